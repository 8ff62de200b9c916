# Here and not in %post: a package whose place this one takes stops its agent, and unregisters it, after that.
if noted first; then
    enable_service
    reload_units
    if has_program; then begin; fi
elif has_program; then
    renew
fi
forget_all
