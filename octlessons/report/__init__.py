"""A folder of scans becomes groups, and a report worth reading."""
