//! What a service has before it has a business: settings, logs, identity, serving, shutdown.
