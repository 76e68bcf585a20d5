"""How the parts are put together: settings, URLs, servers, set-up and checks."""
