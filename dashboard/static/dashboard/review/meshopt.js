// model-viewer carries its decoder for meshopt, but loads a script before it uses that: this one, which has nothing to do.
