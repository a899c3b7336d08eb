"""Telling people: channels, the decider that fills them, texts, links to acknowledge."""
