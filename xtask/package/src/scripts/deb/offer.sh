# dpkg asks what to do with a file of the configuration that was there before and is not what the package brings: the agent.json
# of the Python agent, with its key. Who swaps a hundred hosts cannot answer. So what the package brings is put in its place
# until dpkg has looked, and then the user's own back (`put_back`). Only in a first installation: an agent that runs would
# read the other file.
kept=.kept-by-package

# Puts stdin in the place of the file $1, which is kept beside it.
offer() {
    file=$root$1
    [ -e "$file" ] || [ -h "$file" ] || return 0
    new=$file.brought-by-package
    rm -f "$new"
    # Never through a link that somebody put there.
    (umask 077 && set -C && cat >"$new") || { rm -f "$new"; return 1; }
    if [ ! -h "$file" ] && cmp -s "$new" "$file"; then
        rm -f "$new"
        return 0
    fi
    chmod "$2" "$new"
    # After an interrupted installation both are there, and the file is the one that the package brought.
    if [ -e "$file$kept" ] || [ -h "$file$kept" ]; then mv -f "$file$kept" "$file.dpkg-old"; fi
    # It has both names for a moment, and is missing at none.
    ln "$file" "$file$kept" 2>/dev/null || cp -pP "$file" "$file$kept"
    mv -f "$new" "$file"
}

offer_all() {
@OFFERS@
}
