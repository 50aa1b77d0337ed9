//! `dunlin discover`.

use dunlin_server::api::{DiscoverResponse, Link};

use crate::clean::clean;
use crate::client::{Client, Route};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::name;
use crate::patience::Patience;
use crate::terminal::Output;

/// Asks a device what it has at and below a path, and which attributes are attached there
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dunlin discover urn:dev:1 device
  dunlin discover urn:dev:1 /3303/0")]
pub(crate) struct Arguments {
    /// The endpoint name of the device
    endpoint: String,
    /// Where to look: device, or /3
    path: String,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::of(client, &arguments.endpoint);
    let path = name::resolve(&arguments.path, &dictionary)?;
    let route =
        Route::node(&arguments.endpoint, "discover", path).with_timeout(arguments.patience.timeout);
    let answer = client.get(&route)?;
    if output.json {
        output.line(answer.json());
        return Ok(());
    }
    let links = answer.parse::<DiscoverResponse>()?.links;
    output.print(&table(&links, &dictionary, output));
    Ok(())
}

fn table(links: &[Link], dictionary: &Dictionary<'_>, output: Output) -> comfy_table::Table {
    let mut table = output.table(&["PATH", "NAME", "OPS", "ATTRIBUTES"]);
    for link in links {
        let path = link.path.parse().ok();
        let label = path
            .and_then(|path| dictionary.label(path))
            .unwrap_or_default();
        let operations = path
            .and_then(|path| dictionary.resource(path))
            .map(|resource| resource.operations)
            .unwrap_or_default();
        let attributes = link
            .attributes
            .iter()
            .map(|(name, value)| match value.as_str() {
                "" => clean(name),
                value => clean(&format!("{name}={value}")),
            });
        table.add_row([
            clean(&link.path),
            clean(&label),
            operations,
            attributes.collect::<Vec<_>>().join(" "),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_their_names_and_attributes() {
        let link = |path: &str, attributes: &[(&str, &str)]| Link {
            path: path.into(),
            attributes: attributes
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        };
        let links = [
            link("/3", &[("ver", "1.2")]),
            link("/3/0/9", &[("pmin", "1"), ("pmax", "60")]),
            link("/9999/0/1", &[]),
        ];
        assert_eq!(
            crate::terminal::trimmed(&table(&links, &Dictionary::built_in(), Output::plain())),
            "PATH       NAME           OPS  ATTRIBUTES\n\
             /3         Device              ver=1.2\n\
             /3/0/9     Battery Level  R    pmax=60 pmin=1\n\
             /9999/0/1"
        );
    }
}
