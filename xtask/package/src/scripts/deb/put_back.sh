kept=.kept-by-package

# Ends what preinst did to files that were there before (see there): `settled` or `undone`. The configuration is the user's in
# any case.
put_back() {
@KEPT@
}

# The file $1 as it was before.
own() {
    if [ -e "$root$1$kept" ] || [ -h "$root$1$kept" ]; then
        mv -fT "$root$1$kept" "$root$1" || warn "$root$1$kept is your file, and could not be moved to $root$1"
    fi
}

# The file $2 as the package brought it, and the one from before beside it; when it is undone ($1), as it was before.
replaced() {
    if [ "$1" = undone ]; then
        own "$2"
    elif [ -e "$root$2$kept" ] || [ -h "$root$2$kept" ]; then
        mv -fT "$root$2$kept" "$root$2.dpkg-old" || warn "$root$2$kept is left over from before, and may be deleted"
    fi
}
