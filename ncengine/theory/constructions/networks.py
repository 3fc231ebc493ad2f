"""Which networks are built, for who only names them."""

# Of Theorem 4, of Theorem 10, and the shortcut.
NETWORKS = ("RN1", "RN2", "pre-LN")
