case ${1:-} in
    install)
        keep_monitors || exit 1
        # Also when this package was here before and not purged: the Python agent may have been here since.
        offer_all
        note first
        ;;
    upgrade)
        keep_monitors || exit 1
        forget first
        ;;
    # The old package could not be unpacked over, and comes back: nothing of it was touched.
    abort-upgrade) ;;
esac
