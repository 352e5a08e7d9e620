# SPDX-License-Identifier: AGPL-3.0-or-later
"""Elements of all protocols that the daemon speaks. ``@jid @date @id @int @text`` stand for a value of that kind."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, fromstring

_MESSAGE = """
<body>@text</body> <subject>@text</subject> <thread parent='@id'>@id</thread>
<replace id='@id' xmlns='urn:xmpp:message-correct:0'/>
<retract id='@id' xmlns='urn:xmpp:message-retract:1'><reason>@text</reason></retract>
<retract id='@id' xmlns='urn:xmpp:message-retract:1'><moderated by='@jid' xmlns='urn:xmpp:message-moderate:1'/></retract>
<retracted id='@id' stamp='@date' by='@jid' xmlns='urn:xmpp:message-retract:1'/>
<apply-to id='@id' xmlns='urn:xmpp:fasten:0'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>
<apply-to id='@id' xmlns='urn:xmpp:fasten:0'><moderated by='@jid' xmlns='urn:xmpp:message-moderate:0'><retract xmlns='urn:xmpp:message-retract:0'/><reason>@text</reason></moderated></apply-to>
<moderated by='@jid' xmlns='urn:xmpp:message-moderate:0'><retracted stamp='@date' xmlns='urn:xmpp:message-retract:0'/></moderated>
<reactions id='@id' xmlns='urn:xmpp:reactions:0'><reaction>👍</reaction><reaction>@text</reaction></reactions>
<reply to='@jid' id='@id' xmlns='urn:xmpp:reply:0'/>
<fallback for='urn:xmpp:reply:0' xmlns='urn:xmpp:fallback:0'><body start='@int' end='@int'/><subject/></fallback>
<x xmlns='jabber:x:oob'><url>@text</url><desc>@text</desc></x>
<file-sharing disposition='inline' id='@id' xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'><media-type>@text</media-type><name>@text</name><size>@int</size><width>@int</width><height>@int</height><date>@date</date><desc>@text</desc><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>@text</hash></file><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='@text'/></sources></file-sharing>
<reference type='mention' begin='@int' end='@int' uri='xmpp:@jid' xmlns='urn:xmpp:reference:0'/>
<mention begin='@int' end='@int' occupantid='@id' jid='@jid' xmlns='urn:xmpp:mentions:0'/>
<mention mentions='urn:xmpp:mentions:0#channel' xmlns='urn:xmpp:mentions:0'/>
<markable xmlns='urn:xmpp:chat-markers:0'/> <received id='@id' xmlns='urn:xmpp:chat-markers:0'/>
<displayed id='@id' xmlns='urn:xmpp:chat-markers:0'/> <acknowledged id='@id' xmlns='urn:xmpp:chat-markers:0'/>
<request xmlns='urn:xmpp:receipts'/> <received id='@id' xmlns='urn:xmpp:receipts'/>
<active xmlns='http://jabber.org/protocol/chatstates'/> <composing xmlns='http://jabber.org/protocol/chatstates'/>
<paused xmlns='http://jabber.org/protocol/chatstates'/> <gone xmlns='http://jabber.org/protocol/chatstates'/>
<delay stamp='@date' from='@jid' xmlns='urn:xmpp:delay'>@text</delay> <x stamp='@date' from='@jid' xmlns='jabber:x:delay'/>
<stanza-id id='@id' by='@jid' xmlns='urn:xmpp:sid:0'/> <origin-id id='@id' xmlns='urn:xmpp:sid:0'/>
<encryption namespace='eu.siacs.conversations.axolotl' name='@text' xmlns='urn:xmpp:eme:0'/>
<no-store xmlns='urn:xmpp:hints'/> <no-copy xmlns='urn:xmpp:hints'/> <store xmlns='urn:xmpp:hints'/>
<unstyled xmlns='urn:xmpp:styling:0'/> <nick xmlns='http://jabber.org/protocol/nick'>@text</nick>
<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p onclick='@text'>@text</p></body></html>
<occupant-id id='@id' xmlns='urn:xmpp:occupant-id:0'/> <attention xmlns='urn:xmpp:attention:0'/>
<x xmlns='http://jabber.org/protocol/muc#user'><status code='@int'/><status code='104'/><item affiliation='owner' role='moderator' jid='@jid'/></x>
<x xmlns='http://jabber.org/protocol/muc#user'><invite from='@jid'><reason>@text</reason><continue thread='@id'/></invite><password>@text</password></x>
<x xmlns='http://jabber.org/protocol/muc#user'><decline from='@jid'><reason>@text</reason></decline></x>
<x jid='@jid' reason='@text' password='@text' thread='@id' continue='true' xmlns='jabber:x:conference'/>
<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:avatar:metadata'><item id='@id'><metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='@int' id='@text' type='image/png' width='@int' height='@int' url='@text'/></metadata></item></items></event>
<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='http://jabber.org/protocol/nick'><item id='@id' publisher='@jid'><nick xmlns='http://jabber.org/protocol/nick'>@text</nick></item></items></event>
<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:vcard4'><item id='@id'><vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>@text</text></fn></vcard></item></items></event>
<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='@text'><item id='@id'/><retract id='@id'/></items></event>
<event xmlns='http://jabber.org/protocol/pubsub#event'><purge node='@text'/></event>
<event xmlns='http://jabber.org/protocol/pubsub#event'><delete node='@text'><redirect uri='@text'/></delete></event>
<event xmlns='http://jabber.org/protocol/pubsub#event'><configuration node='@text'/></event>
<result queryid='@id' id='@id' xmlns='urn:xmpp:mam:2'><forwarded xmlns='urn:xmpp:forward:0'><delay stamp='@date' xmlns='urn:xmpp:delay'/><message from='@jid' to='@jid' type='chat' xmlns='jabber:client'><body>@text</body></message></forwarded></result>
<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message from='user@localhost/other' to='@jid' type='chat' id='@id' xmlns='jabber:client'><body>@text</body><displayed id='@id' xmlns='urn:xmpp:chat-markers:0'/></message></forwarded></sent>
<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message from='@jid' to='@jid' type='chat' id='@id' xmlns='jabber:client'><body>@text</body></message></forwarded></received>
<error type='cancel' by='@jid'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>@text</text></error>
<error type='@text'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:@jid</gone></error>
<x type='form' xmlns='jabber:x:data'><title>@text</title><field var='FORM_TYPE' type='hidden'><value>@text</value></field><field var='@text' type='@text'><value>@text</value><option><value>@text</value></option></field></x>
<propose id='@id' xmlns='urn:xmpp:jingle-message:0'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>
<pinned id='@id' xmlns='urn:xmpp:pins:0'/> <hats xmlns='urn:xmpp:hats:0'><hat title='@text' uri='@text'/></hats>
<addresses xmlns='http://jabber.org/protocol/address'><address type='ofrom' jid='@jid'/></addresses>
<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='@int'><key rid='@int'>@text</key></header></encrypted>
<outage-message xmlns='urn:xmpp:sos:0'>@text</outage-message>
"""
_PRESENCE = """
<show>away</show> <show>@text</show> <status>@text</status> <priority>@int</priority>
<c hash='sha-1' node='@text' ver='@text' xmlns='http://jabber.org/protocol/caps'/>
<x xmlns='vcard-temp:x:update'><photo>@text</photo></x> <x xmlns='vcard-temp:x:update'/>
<idle since='@date' xmlns='urn:xmpp:idle:1'/> <delay stamp='@date' from='@jid' xmlns='urn:xmpp:delay'/>
<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' role='participant' jid='@jid' nick='@text'/></x>
<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='@text' role='@text' nick='@text'><actor nick='@text' jid='@jid'/><reason>@text</reason></item><status code='303'/></x>
<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='outcast' role='none'/><status code='@int'/><status code='301'/></x>
<x xmlns='http://jabber.org/protocol/muc#user'><destroy jid='@jid'><reason>@text</reason><password>@text</password></destroy></x>
<x xmlns='http://jabber.org/protocol/muc'/> <occupant-id id='@id' xmlns='urn:xmpp:occupant-id:0'/>
<hats xmlns='urn:xmpp:hats:0'><hat title='@text' uri='@text'/></hats> <nick xmlns='http://jabber.org/protocol/nick'>@text</nick>
<moved xmlns='urn:xmpp:moved:1'><old-jid>@jid</old-jid></moved> <preauth token='@text' xmlns='urn:xmpp:pars:0'/>
<error type='auth'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>
<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>@text</text></error>
"""
_REQUEST = """
<query xmlns='jabber:iq:roster' ver='@text'><item jid='@jid' name='@text' subscription='both' ask='subscribe' approved='@text'><group>@text</group></item></query>
<query xmlns='jabber:iq:roster'/> <query xmlns='jabber:iq:version'/> <time xmlns='urn:xmpp:time'/> <ping xmlns='urn:xmpp:ping'/>
<query node='@text' xmlns='http://jabber.org/protocol/disco#info'/> <query node='@text' xmlns='http://jabber.org/protocol/disco#items'/>
<block xmlns='urn:xmpp:blocking'><item jid='@jid'/></block> <unblock xmlns='urn:xmpp:blocking'><item jid='@jid'/></unblock>
<unblock xmlns='urn:xmpp:blocking'/> <block xmlns='urn:xmpp:blocking'/> <query xmlns='jabber:iq:last'/>
<vCard xmlns='vcard-temp'><FN>@text</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>@text</BINVAL></PHOTO></vCard>
<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='@text' max_items='@int'/></pubsub>
<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='@text'><item id='@id'/></publish></pubsub>
<command node='@text' action='execute' sessionid='@id' xmlns='http://jabber.org/protocol/commands'/>
<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query> <query xmlns='jabber:iq:register'/>
<query xmlns='urn:xmpp:mam:2' queryid='@id'/> <fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><first index='@int'>@id</first><last>@id</last><count>@int</count></set></fin>
<jingle action='session-initiate' sid='@id' initiator='@jid' xmlns='urn:xmpp:jingle:1'/> <query xmlns='jabber:iq:oob'><url>@text</url></query>
<open sid='@id' block-size='@int' xmlns='http://jabber.org/protocol/ibb'/> <data seq='@int' sid='@id' xmlns='http://jabber.org/protocol/ibb'>@text</data>
<query xmlns='http://jabber.org/protocol/bytestreams' sid='@id'><streamhost jid='@jid' host='@text' port='@int'/></query>
<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>@jid</jid></bind> <enable xmlns='urn:xmpp:carbons:2'/>
<prefs default='@text' xmlns='urn:xmpp:mam:2'><always><jid>@jid</jid></always></prefs> <query xmlns='http://jabber.org/protocol/muc#admin'/>
<invite xmlns='urn:xmpp:invite'/> <preauth token='@text' xmlns='urn:xmpp:pars:0'/> <push xmlns='urn:xmpp:push:0'/>
"""


def _read(text: str) -> tuple[Element, ...]:
    return tuple(fromstring(f"<all xmlns='jabber:client'>{text}</all>"))


MESSAGE: Final = _read(_MESSAGE)
PRESENCE: Final = _read(_PRESENCE)
REQUEST: Final = _read(_REQUEST)

TAINT: Final = "forged-by-fuzz"
"""Whatever carries this word was sent by somebody who had no right to say it: it must be found nowhere afterwards."""
_F = "<forwarded xmlns='urn:xmpp:forward:0'><delay stamp='2024-01-01T00:00:00Z' xmlns='urn:xmpp:delay'/><message xmlns='jabber:client' from='{}' to='{}' type='chat' id='{}'><body>{}</body></message></forwarded>"
_OUT = _F.format("user@localhost/other", f"{TAINT}@localhost", "f1", TAINT)
_IN = _F.format(f"{TAINT}@localhost/x", "user@localhost", "f2", TAINT)
_EVENT = "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='{}'><item id='{}'>{}</item></items></event>"

FORGED_MESSAGES: Final = tuple(
    (
        f"<sent xmlns='urn:xmpp:carbons:2'>{_OUT}</sent>",
        f"<received xmlns='urn:xmpp:carbons:2'>{_IN}</received>",
        f"<result queryid='z7' id='r1' xmlns='urn:xmpp:mam:2'>{_IN}</result>",
        f"<result id='r1' xmlns='urn:xmpp:mam:2'>{_OUT}</result>",
        _EVENT.format("urn:xmpp:bookmarks:1", f"{TAINT}@muc.localhost",
            f"<conference xmlns='urn:xmpp:bookmarks:1' name='{TAINT}' autojoin='true'><nick>{TAINT}</nick></conference>"),
        _EVENT.format("storage:bookmarks", "current",
            f"<storage xmlns='storage:bookmarks'><conference jid='{TAINT}@muc.localhost' autojoin='1'/></storage>"),
        _EVENT.format("urn:xmpp:mds:displayed:0", f"{TAINT}@localhost",
            f"<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' id='{TAINT}' by='user@localhost'/></displayed>"),
        "<replace id='known' xmlns='urn:xmpp:message-correct:0'/><body>not theirs to change</body>",
        "<retract id='known' xmlns='urn:xmpp:message-retract:1'><moderated by='sender0@localhost' xmlns='urn:xmpp:message-moderate:1'/></retract>",
        "<displayed id='known' xmlns='urn:xmpp:chat-markers:0'/>",
        "<reactions id='known' xmlns='urn:xmpp:reactions:0'><reaction>🦊</reaction></reactions>",
    )
)  # fmt: skip
FORGED_REQUESTS: Final = (
    f"<query xmlns='jabber:iq:roster'><item jid='{TAINT}@localhost' name='{TAINT}' subscription='both'/></query>",
    "<query xmlns='jabber:iq:roster'><item jid='sender0@localhost' subscription='remove'/></query>",
    f"<block xmlns='urn:xmpp:blocking'><item jid='{TAINT}@localhost'/></block>",
    "<block xmlns='urn:xmpp:blocking'><item jid='sender0@localhost'/></block>",
)
