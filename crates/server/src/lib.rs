//! HTTP API, portal and configuration of the Dunlin manager.
