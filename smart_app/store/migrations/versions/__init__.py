"""Every revision, oldest first by `down_revision`."""
