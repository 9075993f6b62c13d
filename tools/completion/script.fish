# fish completion for convnextv2
function __convnextv2_words -d "the command line without npx"
    set -l words (commandline -opc)
    test "$words[1]" = npx; and set -e words[1]
    string join -- \n $words
end
function __convnextv2_in -d "whether the command line begins with these verbs"
    set -l words (__convnextv2_words)
    set -l number (count $argv)
    set -l last (math $number + 1)
    string match -q -- "*convnextv2" $words[1]; and test (count $words) -gt $number; and test "$words[2..$last]" = "$argv"
end
function __convnextv2_at -d "whether the command line is these verbs"
    set -l words (__convnextv2_words)
    string match -q -- "*convnextv2" $words[1]; and test "$words[2..-1]" = "$argv"
end
@words@
