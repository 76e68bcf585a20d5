// model-viewer fetches a script before it uses the meshopt decoder that it has inside: this one.
