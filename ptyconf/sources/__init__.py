"""The kinds of source that layers are made from; each spells keys as its own users do."""
