"""The console: pages for staff, rendered here and read from `runtime.views`."""
