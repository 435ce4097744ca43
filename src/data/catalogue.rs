//! What a chapter may name under `data`: a committed set or a fetched artefact.

use datasets::{ARTEFACTS, CATALOGUE};

/// A set or an artefact, as pages and freshness need it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// One line on what it holds.
    pub title: &'static str,
    /// The package it is from.
    pub package: &'static str,
    /// That package's version.
    pub version: &'static str,
    /// Its licence.
    pub licence: &'static str,
    /// The digest of its content: what makes a chapter stale when it changes.
    pub digest: String,
    /// Whether it has to be fetched.
    pub fetched: bool,
}

/// The catalogue's entry of that name, committed or fetched.
pub fn described(name: &str) -> Option<Described> {
    let set = CATALOGUE.iter().find(|set| set.name == name);
    let committed = set.map(|set| Described {
        name: set.name,
        title: set.title,
        package: set.package,
        version: set.version,
        licence: set.licence,
        digest: set.sha256.to_owned(),
        fetched: false,
    });
    committed.or_else(|| {
        let artefact = ARTEFACTS.iter().find(|artefact| artefact.name == name)?;
        let source = &artefact.sources[0];
        Some(Described {
            name: artefact.name,
            title: artefact.title,
            package: source.package,
            version: source.version,
            licence: artefact.licence,
            digest: artefact.digest(),
            fetched: true,
        })
    })
}

/// Every name, the committed sets first.
pub fn known() -> Vec<&'static str> {
    let committed = CATALOGUE.iter().map(|set| set.name);
    committed
        .chain(ARTEFACTS.iter().map(|artefact| artefact.name))
        .collect()
}
