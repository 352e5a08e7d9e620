#!/bin/bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# Installs the Debian packages named as arguments that are missing, and starts none of their services:
# we run private, rootless servers of our own. Ends with 1 and says what to do if it may not install.
set -euo pipefail

missing=()
for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

explain() {
    echo "Missing Debian packages: ${missing[*]}"
    echo "$1"
    echo "Install them, then run make again:    sudo apt-get install ${missing[*]}"
    exit 1
} >&2

command -v apt-get >/dev/null || explain "There is no apt-get here to install them with."
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || explain "You are not root, and sudo asks for a password or is missing."
    as_root=(sudo -n)
fi

echo "Installing Debian packages: ${missing[*]}"
# One root shell does it all, so that the guard is taken away whatever happens.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive bash -s -- "${missing[@]}" <<'ROOT'
set -euo pipefail
policy=/usr/sbin/policy-rc.d
kept=$policy.before-salut

# Debian asks this file before it starts a service. Ours refuses the servers' own services
# and hands every other question on to the file that was there.
restore() {
    rm -f "$policy"
    if [ -e "$kept" ] || [ -L "$kept" ]; then mv "$kept" "$policy"; fi
}
exec 9>/run/lock/salut-apt.lock
flock 9 # two runs side by side must not restore each other's guard
if [ -e "$kept" ] || [ -L "$kept" ]; then restore; fi # a run before us was killed
if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$kept"; fi
trap restore EXIT
cat >"$policy" <<GUARD
#!/bin/sh
for word in "\$@"; do
    case \$word in prosody|prosody.*|ejabberd|ejabberd.*|epmd|epmd.*) exit 101 ;; esac
done
[ -x "$kept" ] && exec "$kept" "\$@"
exit 0
GUARD
chmod 755 "$policy"

apt_get() { apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null 9>&-; }
apt_get update
apt_get install -y --no-install-recommends "$@"

# Not at the next boot either: whoever wants Debian's own service enables it.
services=()
for package in "$@"; do
    case $package in
        prosody) services+=(prosody) ;;
        ejabberd) services+=(ejabberd epmd) ;;
    esac
done
for service in "${services[@]}"; do
    if [ -e "/etc/init.d/$service" ]; then update-rc.d "$service" disable; fi
    if [ -d /run/systemd/system ]; then
        systemctl --quiet disable "$service.service" 2>/dev/null || true # not every package has both kinds
        systemctl --quiet disable "$service.socket" 2>/dev/null || true
    fi
done
ROOT
