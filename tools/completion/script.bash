# bash completion for convnextv2
_convnextv2() {
  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" verb="" next i
  local first=1
  COMPREPLY=()
  if [[ "${COMP_WORDS[0]##*/}" == npx ]]; then
    if (( COMP_CWORD == 1 )); then COMPREPLY=($(compgen -W convnextv2 -- "$current")); return; fi
    [[ "${COMP_WORDS[1]}" == convnextv2 ]] || return
    first=2
  fi
  for ((i = first; i < COMP_CWORD; i++)); do
    next="${verb:+$verb }${COMP_WORDS[i]}"
    case "$next" in
    @paths@) verb="$next" ;;
    *) break ;;
    esac
  done
  case "$verb $before" in
@values@
  esac
  local words=""
  case "$verb" in
@words@
  esac
  [[ "$current" == -* || "$verb" == "" || "$words" != -* ]] || return
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
# Without a match, files are completed.
complete -o default -F _convnextv2 convnextv2
complete -p npx > /dev/null 2>&1 || complete -o default -F _convnextv2 npx
