"""What releases are written in: tables, arrays, folders of recordings."""
