case ${1:-} in
    install)
        keep_monitors || exit 1
        # dpkg knows the files of a package that was removed and not purged, and asks nothing needless.
        [ -n "${2:-}" ] || offer_all
        note first
        ;;
    upgrade)
        keep_monitors || exit 1
        forget first
        ;;
    # The old package could not be unpacked over, and comes back: nothing of it was touched.
    abort-upgrade) ;;
esac
