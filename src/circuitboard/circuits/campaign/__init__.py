"""Campaigns: many searches from one plan, each done once; tables, pages and comparisons of them."""
