# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lines from a hostile window: each is refused with a typed error, none with anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salut.bridge import rpc
from salut.model.errors import CODES, SalutError

DEEP = 100_000

HOSTILE = [
    (b"", "parse"),
    (b"no json\n", "parse"),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"', "parse"),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"} {}', "parse"),
    (b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}', "parse"),
    (b'\xff\xfe{"jsonrpc":"2.0"}', "parse"),
    (b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', "parse"),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * DEEP + b"]" * DEEP + b"}", "parse"),
    (b"[" * DEEP, "invalid-request"),
    (b"[]", "invalid-request"),
    (b"null", "invalid-request"),
    (b"7", "invalid-request"),
    (b'"ping"', "invalid-request"),
    (b"{}", "invalid-request"),
    (b'{"jsonrpc":"2.0"}', "invalid-request"),
    (b'{"jsonrpc":"2.0","id":1}', "invalid-request"),
    (b'{"id":1,"method":"ping"}', "invalid-request"),
    (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', "invalid-request"),
    (b'{"jsonrpc":2,"id":1,"method":"ping"}', "invalid-request"),
    (b'{"jsonrpc":"2.0","id":1,"method":7}', "invalid-request"),
    (b'{"jsonrpc":"2.0","id":1,"method":["ping"]}', "invalid-request"),
    (b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', "invalid-request"),
    (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', "invalid-request"),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', "invalid-request"),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', "invalid-request"),
    (b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}', None),
    (b'{"jsonrpc":"2.0","id":' + b"9" * 10_000 + b',"method":"ping"}', None),
    (b'{"jsonrpc":"2.0","method":"ping"}', "invalid-request"),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', "invalid-request"),
]


@pytest.mark.parametrize(("line", "code"), HOSTILE, ids=[line[:48].decode("latin-1") for line, _ in HOSTILE])
def test_hostile_lines_get_a_typed_error(line: bytes, code: str | None) -> None:
    with pytest.raises(SalutError) as caught:
        rpc.read(line)
    if code is None:
        assert caught.value.code in ("parse", "invalid-request")
    else:
        assert caught.value.code == code
    told = json.loads(rpc.error_line(None, caught.value))
    assert told["id"] is None
    assert told["error"]["code"] == CODES[caught.value.code]
    assert told["error"]["data"]["code"] == caught.value.code
    assert told["error"]["message"]


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(line: bytes) -> None:
    try:
        found = rpc.read(line)
    except SalutError as error:
        assert error.code in ("parse", "invalid-request")
    else:
        assert found.method is None or found.id is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "more"]),
        JSON | st.just("2.0"),
    )
)
@settings(max_examples=300, deadline=None)
def test_any_object_is_read_or_refused(value: dict[str, object]) -> None:
    try:
        found = rpc.read(json.dumps(value).encode())
    except SalutError as error:
        assert error.code in ("parse", "invalid-request")
    else:
        assert value["jsonrpc"] == "2.0"
        assert found.method == value.get("method")


def test_a_request_and_an_answer_are_read() -> None:
    call = rpc.read(b'{"jsonrpc":"2.0","id":"a","method":"m","params":{"x":1}}')
    assert (call.id, call.method, bytes(call.params)) == ("a", "m", b'{"x":1}')
    assert bytes(rpc.read(b'{"jsonrpc":"2.0","id":1,"method":"m"}').params) == b"{}"
    assert rpc.read(b'{"jsonrpc":"2.0","id":"p1","result":{}}').method is None
    assert rpc.read(b'{"jsonrpc":"2.0","id":"p1","error":{"code":1}}').method is None


def test_an_error_cannot_fake_its_code_by_its_data() -> None:
    told = json.loads(rpc.error_line("k", SalutError("busy", "words", {"code": "not-found", "limit": 64})))
    assert told["id"] == "k"
    assert told["error"]["data"] == {"code": "busy", "limit": 64}
