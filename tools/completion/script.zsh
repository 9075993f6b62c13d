#compdef convnextv2
_convnextv2() {
  local verb="" next i
  local -a commands options
  if [[ "${words[1]:t}" == npx ]]; then
    if (( CURRENT == 2 )); then compadd -- convnextv2; _files; return; fi
    if [[ "${words[2]}" != convnextv2 ]]; then _files; return; fi
    shift words; (( CURRENT-- ))
  fi
  for ((i = 2; i < CURRENT; i++)); do
    next="${verb:+$verb }${words[i]}"
    case "$next" in
    @paths@) verb="$next" ;;
    *) break ;;
    esac
  done
  case "$verb ${words[CURRENT-1]}" in
@values@
  esac
  case "$verb" in
@words@
  esac
  if [[ "${words[CURRENT]}" == -* ]]; then _describe option options
  elif (( ${#commands} )); then _describe verb commands
  else _files
  fi
}
if [[ "${funcstack[1]}" == _convnextv2 ]]; then _convnextv2 "$@"
else
  compdef _convnextv2 convnextv2
  (( ${+_comps[npx]} )) || compdef _convnextv2 npx
fi
