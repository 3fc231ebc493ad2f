"""The app. A package of its own: without this file any other of that name would go before it."""
