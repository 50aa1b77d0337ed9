//! The API token of `dunlin serve`: chosen by the operator, or made at the first start that needs one. Only its hash is
//! kept, in the data folder.

use core::net::SocketAddr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use dunlin_server::auth::{ApiToken, TokenHash};

use crate::failure::Failure;

/// The name of the file in the data folder.
const FILE: &str = "api-token.sha256";

/// The token that the API asks for.
#[derive(Debug, Default)]
pub(crate) struct Token {
    /// Its hash; `None` if the API asks for none.
    pub(crate) hash: Option<TokenHash>,
    /// The token itself, if it was made just now: the only chance to show it.
    pub(crate) made: Option<ApiToken>,
}

/// Finds or makes the token for an API at `address`.
///
/// One that the operator chose always counts. Without it, an address that only this machine reaches needs none, and any
/// other takes the token whose hash is in the data folder, or makes it.
pub(crate) fn prepare(
    chosen: Option<&ApiToken>,
    address: SocketAddr,
    data: &Path,
) -> Result<Token, Failure> {
    if let Some(chosen) = chosen {
        return Ok(Token {
            hash: Some(TokenHash::of(chosen)),
            made: None,
        });
    }
    if address.ip().to_canonical().is_loopback() {
        return Ok(Token::default());
    }
    let file = data.join(FILE);
    match fs::read_to_string(&file) {
        Ok(text) => text
            .parse()
            .map(|hash| Token {
                hash: Some(hash),
                made: None,
            })
            .map_err(|_| {
                Failure::new(format!("{} holds no hash of an API token.", file.display())).remedy(
                    "Delete the file to have a new token made, or set one in DUNLIN_HTTP_TOKEN.",
                )
            }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = ApiToken::generate();
            let hash = TokenHash::of(&token);
            store(&file, &hash).map_err(|error| refuse(&file, address, &error))?;
            Ok(Token {
                hash: Some(hash),
                made: Some(token),
            })
        }
        Err(error) => Err(refuse(&file, address, &error)),
    }
}

/// Writes the hash so that it is there whole or not at all, for this user's eyes only.
fn store(file: &Path, hash: &TokenHash) -> io::Result<()> {
    let new: PathBuf = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&new)?;
    writeln!(out, "{hash}")?;
    out.sync_all()?;
    fs::rename(&new, file)?;
    if let Some(folder) = file.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn refuse(file: &Path, address: SocketAddr, error: &io::Error) -> Failure {
    Failure::new(format!(
        "The API on {address} can be reached from other machines and needs a token, but {} cannot be used: {error}.",
        file.display()
    ))
    .remedy("Make the data folder writable, set a token in DUNLIN_HTTP_TOKEN, or listen on --http 127.0.0.1:8080.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "127.0.0.1:8080";
    const OPEN: &str = "0.0.0.0:8080";

    fn prepare(chosen: Option<&ApiToken>, address: &str, data: &Path) -> Result<Token, Failure> {
        super::prepare(chosen, address.parse().expect("an address"), data)
    }

    #[test]
    fn a_token_is_made_once_and_recognised_ever_after() {
        let data = tempfile::tempdir().expect("a folder");
        let first = prepare(None, OPEN, data.path()).expect("a token");
        let made = first.made.expect("made at the first start");
        let second = prepare(None, OPEN, data.path()).expect("a token");
        assert!(second.made.is_none());
        assert!(second.hash.expect("kept").matches(made.expose()));
        let text = fs::read_to_string(data.path().join(FILE)).expect("the hash");
        assert!(!text.contains(made.expose()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(data.path().join(FILE))
                .expect("the hash")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn loopback_needs_none_unless_it_is_chosen() {
        let data = tempfile::tempdir().expect("a folder");
        assert!(
            prepare(None, LOCAL, data.path())
                .expect("none")
                .hash
                .is_none()
        );
        assert!(
            prepare(None, "[::1]:1", data.path())
                .expect("none")
                .hash
                .is_none()
        );
        let chosen = ApiToken::new("0123456789abcdef").expect("valid");
        let token = prepare(Some(&chosen), LOCAL, data.path()).expect("the chosen one");
        assert!(token.hash.expect("asked for").matches(chosen.expose()) && token.made.is_none());
        assert_eq!(fs::read_dir(data.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_token_that_cannot_be_kept_is_not_made() {
        let data = tempfile::tempdir().expect("a folder");
        let file = data.path().join("file");
        fs::write(&file, "").expect("writable");
        let failure = prepare(None, OPEN, &file).expect_err("no folder");
        assert!(
            failure.detail.contains("needs a token") && failure.remedy.is_some(),
            "{failure}"
        );
        fs::write(data.path().join(FILE), "nonsense").expect("writable");
        assert!(
            prepare(None, OPEN, data.path())
                .expect_err("no hash")
                .detail
                .contains("no hash")
        );
    }
}
