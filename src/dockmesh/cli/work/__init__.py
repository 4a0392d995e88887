"""What each verb does: from the mesh file, over the stages, to a screen or JSON and an exit code."""
