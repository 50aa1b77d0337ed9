use super::*;

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("dunlin.toml");
    std::fs::write(&path, file).expect("writable");
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load_with(Some(&path), environment)
}

fn fails(file: &str, environment: &[(&str, &str)]) -> String {
    load(file, environment).expect_err("not usable").to_string()
}

#[test]
fn defaults_are_those_of_the_file() {
    let config = Config::default();
    assert_eq!(config.data, Path::new("dunlin-data"));
    assert_eq!(
        config.coap.listen,
        ["coap://0.0.0.0:5683", "coaps://0.0.0.0:5684"]
    );
    assert_eq!(
        config.http.listen,
        "127.0.0.1:8080".parse().expect("an address")
    );
    assert_eq!(config.http.token, None);
    assert_eq!(config.limits.command_timeout(), Duration::from_mins(1));
    assert_eq!(load(DEFAULT_FILE, &[]).expect("valid"), config);
}

#[test]
fn environment_is_stronger_than_the_file() {
    let file =
        "log = \"debug\"\n[http]\nlisten = \"127.0.0.1:9000\"\n[limits]\nevent_streams = 7\n";
    let config = load(
        file,
        &[
            ("DUNLIN_HTTP_LISTEN", "[::1]:9001"),
            ("DUNLIN_COAP_LISTEN", "coap://127.0.0.1:1, coap://[::1]:2"),
            ("DUNLIN_LIMITS_HTTP_BODY_BYTES", "4096"),
            ("DUNLIN_HTTP_TOKEN", "a-very-secret-token"),
            ("DUNLIN_URL", "for another command"),
            ("PATH", "/bin"),
        ],
    )
    .expect("valid");
    assert_eq!(config.log, "debug");
    assert_eq!(config.http.listen.port(), 9001);
    assert_eq!(config.coap.listen, ["coap://127.0.0.1:1", "coap://[::1]:2"]);
    assert_eq!(config.limits.http_body_bytes, 4096);
    assert_eq!(config.limits.event_streams, 7);
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn unknown_keys_are_named_with_their_file() {
    let message = fails("[http]\nlistten = \"127.0.0.1:1\"\n", &[]);
    assert!(
        message.contains("`http.listten`") && message.contains("dunlin.toml"),
        "{message}"
    );
    let message = fails("listen = \"127.0.0.1:1\"\n", &[]);
    assert!(message.contains("did you mean `coap.listen`"), "{message}");
    let message = fails("[web]\n", &[]);
    assert!(message.contains("`web`"), "{message}");
    let message = fails("", &[("DUNLIN_HTTP_LISTN", "x")]);
    assert!(
        message.contains("DUNLIN_HTTP_LISTN") && message.contains("DUNLIN_HTTP_LISTEN"),
        "{message}"
    );
}

#[test]
fn wrong_values_are_named_with_their_origin() {
    let message = fails("[http]\nlisten = \"eight\"\n", &[]);
    assert!(
        message.contains("`http.listen`") && message.contains("dunlin.toml"),
        "{message}"
    );
    let message = fails("", &[("DUNLIN_HTTP_LISTEN", "eight")]);
    assert!(
        message.contains("`http.listen`") && message.contains("DUNLIN_HTTP_LISTEN"),
        "{message}"
    );
    let message = fails("[limits]\nevent_streams = 0\n", &[]);
    assert!(message.contains("`limits.event_streams`"), "{message}");
    let message = fails("[limits]\nevent_streams = -1\n", &[]);
    assert!(message.contains("limits.event_streams"), "{message}");
    let message = fails("[coap]\nlisten = [\"udp://x\"]\n", &[]);
    assert!(
        message.contains("udp://x") && message.contains("`coap.listen`"),
        "{message}"
    );
    let message = fails("[coap]\nlisten = []\n", &[]);
    assert!(message.contains("`coap.listen`"), "{message}");
    let message = fails("", &[("DUNLIN_HTTP_TOKEN", "short")]);
    assert!(
        message.contains("at least 16") && message.contains("DUNLIN_HTTP_TOKEN"),
        "{message}"
    );
    assert!(!message.contains("short"), "{message}");
}

#[test]
fn syntax_and_missing_files() {
    let message = fails("log = \n", &[]);
    assert!(
        message.contains("dunlin.toml is not valid TOML"),
        "{message}"
    );
    let error = Config::load_with(Some(Path::new("/nonexistent/dunlin.toml")), [])
        .expect_err("no such file");
    assert!(
        error.to_string().contains("/nonexistent/dunlin.toml"),
        "{error}"
    );
}
