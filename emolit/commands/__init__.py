"""What the command `emolit` does beside Lightning's subcommands, and how it reads its line."""
