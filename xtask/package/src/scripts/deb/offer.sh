# dpkg asks what to do with a file of the configuration that was there before and is not what the package brings: the agent.json
# of the Python agent, with its key. Who swaps a hundred hosts cannot answer. So what the package brings is put in its place
# until dpkg has looked, and then the user's own back (`put_back`). Only in a first installation: an agent that runs would
# read the other file.
kept=.kept-by-package

# Puts stdin in the place of the file $1, which is kept beside it.
offer() {
    file=$root$1
    [ -e "$file" ] || [ -h "$file" ] || return 0
    # Made where only root may write: the folder of the file may be another user's (`--set-user`), who could put a link in the
    # place of what root writes to or changes the mode of.
    make_notes || { warn "$notes cannot be made"; return 1; }
    new=$notes/brought
    (umask 077 && cat >"$new") || { rm -f "$new"; return 1; }
    if [ -f "$file" ] && [ ! -h "$file" ] && cmp -s "$new" "$file"; then
        rm -f "$new"
        return 0
    fi
    chmod "$2" "$new"
    # After an interrupted installation both are there, and the file is the one that the package brought.
    if [ -e "$file$kept" ] || [ -h "$file$kept" ]; then mv -fT "$file$kept" "$file.dpkg-old"; fi
    # It is kept before another takes its name. -T: into no folder that a link in its place leads to.
    ln -T "$file" "$file$kept" 2>/dev/null || cp -pPT "$file" "$file$kept"
    mv -fT "$new" "$file"
}

offer_all() {
@OFFERS@
}
