//! The configuration of `dunlin serve`: defaults, a TOML file, the environment; the program's flags go on top.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{ConfigError as SourceError, File, FileFormat, Source as _, Value, ValueKind};
use serde::Deserialize;

use crate::auth::ApiToken;

#[cfg(test)]
mod tests;

/// The annotated file with all defaults, as `dunlin serve --print-config` shows it.
pub const DEFAULT_FILE: &str = include_str!("default.toml");

/// Keys that have no default, and therefore do not stand in [`DEFAULT_FILE`] as values.
const OPTIONAL_KEYS: [&str; 4] = [
    "http.token",
    "objects",
    "coap.private_key",
    "coap.certificates",
];

/// What every environment variable of the configuration starts with.
const PREFIX: &str = "DUNLIN_";

/// The configuration. Fields are public so that flags can replace them after loading.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Config {
    /// The folder of the database.
    pub data: PathBuf,
    /// The log filter, in the form of `tracing-subscriber`'s `EnvFilter`.
    pub log: String,
    /// The folder of object definitions, if there is one.
    #[serde(default)]
    pub objects: Option<PathBuf>,
    /// The side of the devices.
    pub coap: Coap,
    /// The side of the operators.
    pub http: Http,
    /// Bounds.
    pub limits: Limits,
}

/// The side of the devices.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Coap {
    /// URIs such as `coap://0.0.0.0:5683` and `coaps://0.0.0.0:5684`.
    pub listen: Vec<String>,
    /// The manager's own private key, if the operator chose one.
    #[serde(default)]
    pub private_key: Option<PathBuf>,
    /// The manager's own certificates, if it has some.
    #[serde(default)]
    pub certificates: Option<PathBuf>,
}

/// The side of the operators.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Http {
    /// The address and port of the API and the portal.
    pub listen: SocketAddr,
    /// The API token, if the operator chose one.
    #[serde(default)]
    pub token: Option<ApiToken>,
}

/// Bounds on what peers can make the program do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Limits {
    /// How long a command waits for a device's answer, in seconds.
    pub command_timeout_seconds: u32,
    /// How many devices the manager knows at most.
    pub devices: usize,
    /// The largest body of an HTTP request, in bytes.
    pub http_body_bytes: usize,
    /// How large the database may grow, in bytes; 0 is no limit but the disk.
    pub database_bytes: u64,
    /// How many HTTP connections may be open at once.
    pub http_connections: usize,
    /// How many receivers of server-sent events there may be at once.
    pub event_streams: usize,
}

impl Limits {
    /// [`Self::command_timeout_seconds`] as a duration.
    pub const fn command_timeout(&self) -> Duration {
        Duration::from_secs(self.command_timeout_seconds as u64)
    }
}

impl Limits {
    /// The manager's limits and times: its defaults with what is configured here.
    pub fn manager(&self) -> dunlin_manager::Config {
        let mut config = dunlin_manager::Config::default();
        config.command_timeout = self.command_timeout();
        config.max_devices = self.devices;
        config
    }
}

impl Default for Config {
    /// The values of [`DEFAULT_FILE`].
    fn default() -> Self {
        Self::from_sources(None, Vec::new()).expect("the default file is valid; a test loads it")
    }
}

impl Default for Limits {
    /// The values of [`DEFAULT_FILE`].
    fn default() -> Self {
        Config::default().limits
    }
}

impl Config {
    /// Loads the defaults, then `file` if given, then the environment variables that start with `DUNLIN_`.
    ///
    /// # Errors
    /// [`ConfigError`] that names the file or variable and the key.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(
            file,
            std::env::vars_os().filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            }),
        )
    }

    /// Like [`load`](Self::load), with the environment given.
    ///
    /// # Errors
    /// [`ConfigError`] that names the file or variable and the key.
    pub fn load_with(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let file = match file {
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
                        file: path.to_owned(),
                        source,
                    })?;
                Some((path, text))
            }
            None => None,
        };
        Self::from_sources(
            file,
            environment
                .into_iter()
                .filter(|(name, _)| name.starts_with(PREFIX))
                .collect(),
        )
    }

    fn from_sources(
        file: Option<(&Path, String)>,
        environment: Vec<(String, String)>,
    ) -> Result<Self, ConfigError> {
        let defaults = File::from_str(DEFAULT_FILE, FileFormat::Toml);
        let known = Keys::of(&defaults);
        let mut builder = config::Config::builder().add_source(defaults);
        if let Some((path, text)) = &file {
            let source = File::from_str(text, FileFormat::Toml);
            let table = source.collect().map_err(|error| ConfigError::Syntax {
                file: (*path).to_owned(),
                message: message_of(&error),
            })?;
            known.check(&table, path)?;
            builder = builder.add_source(source);
        }
        let mut variables = BTreeMap::new();
        for (name, text) in environment {
            let Some((key, list)) = known.of_variable(&name) else {
                if known.may_be_meant(&name) {
                    return Err(ConfigError::UnknownVariable {
                        name,
                        known: known.variables(),
                    });
                }
                continue;
            };
            let value = if list {
                Value::from(
                    text.split(',')
                        .map(|item| item.trim().to_owned())
                        .collect::<Vec<_>>(),
                )
            } else {
                Value::from(text)
            };
            variables.insert(key.to_owned(), name);
            builder = builder
                .set_override(key, value)
                .map_err(|error| invalid(&error, &variables, file.as_ref()))?;
        }
        let config: Self = builder
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|error| invalid(&error, &variables, file.as_ref()))?;
        config.validate(&variables, file.as_ref())?;
        Ok(config)
    }

    fn validate(
        &self,
        variables: &BTreeMap<String, String>,
        file: Option<&(&Path, String)>,
    ) -> Result<(), ConfigError> {
        let bad = |key: &str, message: &str| {
            Err(ConfigError::Value {
                key: key.into(),
                origin: origin(key, variables, file),
                message: message.into(),
            })
        };
        if self.coap.listen.is_empty() {
            return bad("coap.listen", "at least one address is needed");
        }
        if let Some(uri) = self
            .coap
            .listen
            .iter()
            .find(|uri| !uri.starts_with("coap://") && !uri.starts_with("coaps://"))
        {
            return bad(
                "coap.listen",
                &format!(
                    "`{uri}` is not a URI such as coap://0.0.0.0:5683 or coaps://0.0.0.0:5684"
                ),
            );
        }
        let limits = &self.limits;
        for (key, zero) in [
            (
                "limits.command_timeout_seconds",
                limits.command_timeout_seconds == 0,
            ),
            ("limits.devices", limits.devices == 0),
            ("limits.http_body_bytes", limits.http_body_bytes == 0),
            ("limits.http_connections", limits.http_connections == 0),
            ("limits.event_streams", limits.event_streams == 0),
        ] {
            if zero {
                return bad(key, "0 is too small");
            }
        }
        Ok(())
    }
}

/// The keys that there are, and whether each is a list.
struct Keys(BTreeMap<String, bool>);

impl Keys {
    fn of(defaults: &File<config::FileSourceString, FileFormat>) -> Self {
        let mut keys: BTreeMap<String, bool> = OPTIONAL_KEYS
            .iter()
            .map(|key| ((*key).to_owned(), false))
            .collect();
        let table = defaults.collect().unwrap_or_default();
        walk(&table, "", &mut |key, value| {
            keys.insert(key, matches!(value.kind, ValueKind::Array(_)));
        });
        Self(keys)
    }

    fn check(&self, table: &config::Map<String, Value>, file: &Path) -> Result<(), ConfigError> {
        let mut unknown = Vec::new();
        walk(table, "", &mut |key, _| {
            if !self.0.contains_key(&key) {
                unknown.push(key);
            }
        });
        unknown.sort();
        match unknown.into_iter().next() {
            Some(key) => Err(ConfigError::UnknownKey {
                nearest: self.nearest(&key),
                key,
                file: file.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// The known key that has the same last part, or starts like it.
    fn nearest(&self, key: &str) -> Option<String> {
        let last = |key: &str| {
            key.rsplit('.')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        let wanted = last(key);
        self.0
            .keys()
            .find(|known| last(known) == wanted)
            .or_else(|| {
                self.0.keys().find(|known| {
                    wanted.len() > 2
                        && (last(known).contains(&wanted) || wanted.contains(&last(known)))
                })
            })
            .cloned()
    }

    fn of_variable(&self, name: &str) -> Option<(&str, bool)> {
        self.0
            .iter()
            .find(|(key, _)| variable(key) == name)
            .map(|(key, list)| (key.as_str(), *list))
    }

    /// Whether a variable that is not known looks as if it was meant for us: other parts of the program have theirs too.
    fn may_be_meant(&self, name: &str) -> bool {
        self.0
            .keys()
            .filter_map(|key| key.split_once('.'))
            .any(|(section, _)| name.starts_with(&format!("{}_", variable(section))))
    }

    fn variables(&self) -> String {
        self.0
            .keys()
            .map(|key| variable(key))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "_"))
}

fn walk(table: &config::Map<String, Value>, prefix: &str, visit: &mut impl FnMut(String, &Value)) {
    // The depth is bounded by the TOML parser's own limit.
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match &value.kind {
            ValueKind::Table(inner) if !inner.is_empty() => walk(inner, &key, visit),
            _ => visit(key, value),
        }
    }
}

/// The error without the wrappers that repeat key and origin.
fn message_of(error: &SourceError) -> String {
    match error {
        SourceError::At { error, .. } => message_of(error),
        SourceError::Type {
            unexpected,
            expected,
            ..
        } => format!("{unexpected} is not {expected}"),
        SourceError::FileParse { cause, .. } => cause.to_string().trim_end().to_owned(),
        other => other.to_string(),
    }
}

fn key_of(error: &SourceError) -> Option<&str> {
    match error {
        SourceError::At { key, error, .. } => key.as_deref().or_else(|| key_of(error)),
        SourceError::Type { key, .. } => key.as_deref(),
        SourceError::NotFound(key) => Some(key),
        _ => None,
    }
}

fn invalid(
    error: &SourceError,
    variables: &BTreeMap<String, String>,
    file: Option<&(&Path, String)>,
) -> ConfigError {
    let key = key_of(error).unwrap_or_default();
    // A list's items have keys such as `coap.listen[0]`.
    let key = key.split('[').next().unwrap_or_default();
    ConfigError::Value {
        key: key.to_owned(),
        origin: origin(key, variables, file),
        message: message_of(error),
    }
}

/// Where a value came from, for a person.
fn origin(
    key: &str,
    variables: &BTreeMap<String, String>,
    file: Option<&(&Path, String)>,
) -> String {
    match (variables.get(key), file) {
        (Some(variable), _) => format!("environment variable {variable}"),
        (None, Some((path, _))) => path.display().to_string(),
        (None, None) => "the defaults".into(),
    }
}

/// Why the configuration is not usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{} is not valid TOML: {message}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// What and where, over several lines.
        message: String,
    },
    /// The file has a key that there is not.
    #[error("unknown key `{key}` in {}{}", file.display(), nearest.as_ref().map(|key| format!("; did you mean `{key}`?")).unwrap_or_default())]
    UnknownKey {
        /// The key, with its table.
        key: String,
        /// The file.
        file: PathBuf,
        /// A known key that may be meant.
        nearest: Option<String>,
    },
    /// The environment has a variable that looks like one of ours.
    #[error("unknown environment variable {name}; known are {known}")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The variables that there are.
        known: String,
    },
    /// A value is not usable.
    #[error("{origin}: key `{key}`: {message}")]
    Value {
        /// The key, with its table.
        key: String,
        /// The file or the environment variable.
        origin: String,
        /// What is wrong.
        message: String,
    },
}
