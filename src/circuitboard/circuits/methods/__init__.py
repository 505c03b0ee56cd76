"""Methods that find circuits, one file each: ``(model, task, *, options, watch) -> Circuit``."""
