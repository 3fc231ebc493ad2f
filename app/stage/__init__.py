"""How is it shown to an audience? Presenting, stories, embedding."""
