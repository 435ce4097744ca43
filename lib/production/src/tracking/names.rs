//! MLflow's rules for names and lengths, applied before anything is written: what this module lets pass, a server
//! takes. It is stricter in two points: letters are those of Latin, Greek, Cyrillic, Armenian, kana, Han and Hangul
//! (MLflow's rule depends on the Unicode version of the server's Python), and a value that is too long is an error
//! (a server cuts parameters and tags off).

use super::TrackingError;

/// The longest name of a metric, parameter or tag, in characters.
pub const MAX_KEY: usize = 250;
/// The longest value of a parameter, in characters.
pub const MAX_PARAM: usize = 6_000;
/// The longest value of a tag, in characters.
pub const MAX_TAG: usize = 8_000;
/// The longest name of an experiment or data set, in characters.
pub const MAX_EXPERIMENT: usize = 500;
/// The longest name of a model, and the longest alias, in characters.
pub const MAX_MODEL: usize = 255;

/// Whether a character may stand in the name of a metric, parameter or tag.
#[must_use]
pub fn allowed(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' | ' ' | '/' | ':' => true,
        '\u{300}'..='\u{36f}' => false, // marks, not letters
        '\u{aa}'..='\u{587}' | '\u{1e00}'..='\u{1fbc}' => c.is_alphabetic(),
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' => true,
        '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => true,
        _ => false,
    }
}

/// Checks the name of a metric, parameter or tag.
///
/// # Errors
/// [`TrackingError::Name`] and [`TrackingError::TooLong`].
pub fn key(what: &'static str, name: &str) -> Result<(), TrackingError> {
    let wrong = |reason: String| {
        Err(TrackingError::Name {
            what,
            name: short(name),
            reason,
        })
    };
    if name.is_empty() {
        return wrong("a name is needed".into());
    }
    if let Some((at, c)) = name.chars().enumerate().find(|(_, c)| !allowed(*c)) {
        return wrong(format!(
            "{c:?} at character {} is not allowed: letters, digits, spaces and _ - . : / are",
            at + 1
        ));
    }
    path_like(what, name)?;
    length(what, name, name, MAX_KEY)
}

/// A name may become a path: it must be its own normal form.
fn path_like(what: &'static str, name: &str) -> Result<(), TrackingError> {
    let parts = name.split('/');
    if parts
        .into_iter()
        .any(|part| matches!(part, "" | "." | ".."))
    {
        let reason = "read as a path it has an empty part, or one that is . or ..".into();
        return Err(TrackingError::Name {
            what,
            name: short(name),
            reason,
        });
    }
    Ok(())
}

/// Checks the path of an artifact, relative to the run.
pub(crate) fn artifact(path: &str) -> Result<(), TrackingError> {
    let wrong = |reason: &str| {
        Err(TrackingError::Name {
            what: "artifact",
            name: short(path),
            reason: reason.into(),
        })
    };
    path_like("artifact", path)?;
    if path.chars().any(|c| {
        c.is_control()
            || matches!(
                c,
                '\\' | ':' | '%' | '?' | '#' | '*' | '"' | '<' | '>' | '|'
            )
    }) {
        return wrong("control characters and \\ : % ? # * \" < > | are not allowed");
    }
    length("artifact", path, path, MAX_KEY)
}

/// Checks the name of an experiment or a data set.
pub(crate) fn title(what: &'static str, name: &str) -> Result<(), TrackingError> {
    if name.trim().is_empty() {
        return Err(TrackingError::Name {
            what,
            name: name.into(),
            reason: "a name is needed".into(),
        });
    }
    length(what, name, name, MAX_EXPERIMENT)
}

/// Checks the name of a registered model, which is a folder of the store as well.
pub(crate) fn model(name: &str) -> Result<(), TrackingError> {
    let wrong = |reason: &str| {
        Err(TrackingError::Name {
            what: "model",
            name: short(name),
            reason: reason.into(),
        })
    };
    if name.trim().is_empty() {
        return wrong("a name is needed");
    }
    if name.contains(['/', ':', '@', '\\', '"']) || name.chars().any(char::is_control) {
        return wrong("/ : @ \\ \" and control characters are not allowed");
    }
    if matches!(name, "." | "..") {
        return wrong("read as a path it is a folder's own");
    }
    length("model", name, name, MAX_MODEL)
}

/// Checks an alias, such as `champion`.
pub(crate) fn alias(name: &str) -> Result<(), TrackingError> {
    let wrong = |reason: &str| {
        Err(TrackingError::Name {
            what: "alias",
            name: short(name),
            reason: reason.into(),
        })
    };
    if name.is_empty() {
        return wrong("a name is needed");
    }
    if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    {
        return wrong("only letters a to z, digits, _ and - are allowed");
    }
    let version = name.strip_prefix(['v', 'V']).unwrap_or_default();
    if name.eq_ignore_ascii_case("latest")
        || (!version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()))
    {
        return wrong("`latest` and names such as `v3` are MLflow's own");
    }
    length("alias", name, name, MAX_MODEL)
}

/// Checks a length in characters.
pub(crate) fn length(
    what: &'static str,
    name: &str,
    value: &str,
    limit: usize,
) -> Result<(), TrackingError> {
    let length = value.chars().count();
    if length > limit {
        return Err(TrackingError::TooLong {
            what,
            name: short(name),
            length,
            limit,
        });
    }
    Ok(())
}

/// The beginning of a text, for a message.
fn short(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.into();
    }
    text.chars().take(59).chain(['…']).collect()
}
