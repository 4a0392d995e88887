"""What commands print for programs, under names that stay; docs/reference/json.md describes it. Pure."""
