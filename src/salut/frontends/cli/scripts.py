# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the shells need to know: to ask ``jp`` itself. ``complete`` answers, from the declaration.

So the scripts never grow stale. Names come from other people: the scripts take each answer as one whole
line and never have the shell evaluate it.
"""

from __future__ import annotations

BASH = r"""
_jp() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == $'\tfiles' ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r line; do
                COMPREPLY+=("$line")
            done < <(compgen -f -- "$2")
        else
            COMPREPLY+=("$line")
        fi
    done < <(jp completion bash -- "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -F _jp jp
"""
ZSH = r"""
#compdef jp
_jp() {
    local -a before values shown
    local line
    (( CURRENT > 2 )) && before=("${(@Q)words[2,CURRENT-1]}")
    while IFS= read -r line; do
        if [[ $line == $'\tfiles' ]]; then
            _files
        else
            values+=("${line%%$'\t'*}")
            shown+=("${line/$'\t'/  -- }")
        fi
    done < <(jp completion zsh -- "${before[@]}" "${(Q)PREFIX}" 2>/dev/null)
    (( ${#values} )) && compadd -l -d shown -a -- values
}
if [[ ${funcstack[1]} == _jp ]]; then
    _jp "$@"
else
    compdef _jp jp
fi
"""
FISH = r"""
function __jp_complete
    set -l before (commandline -opc)
    set -e before[1]
    set -l current (commandline -ct)
    for line in (jp completion fish -- $before "$current" 2>/dev/null)
        if test "$line" = \tfiles
            __fish_complete_path "$current"
        else
            printf '%s\n' $line
        end
    end
end
complete -c jp -f -a '(__jp_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
