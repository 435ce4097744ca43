//! `serve`: the churn pipeline behind HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use production::serving::{Folder, Registry, Service, Settings};
use production::tracking::Tracker;

const HELP: &str = "\
serve: the churn pipeline behind HTTP

  serve --models FOLDER [SETTING…]       champion.model of a folder, and canary.model, shadow.model
  serve --registry NAME [SETTING…]       a registered model: the aliases champion, canary, shadow, or the newest version
  serve check [ADDRESS]                  0 where the service at ADDRESS is ready, 1 where not

The store of --registry is the folder that COURSE_TRACKING_DIR names, or ./tracking. A setting is --NAME VALUE, or the
variable SERVE_NAME of the environment in capitals, with _ for -; times are in seconds. The settings:
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] | ["--help" | "-h" | "help"] => {
            println!("{HELP}  {}", Settings::NAMES.join(" "));
            return ExitCode::SUCCESS;
        }
        ["check"] => check("127.0.0.1:8080"),
        ["check", address] => check(address),
        words => serve(words),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("serve: {error}");
            ExitCode::from(2)
        }
    }
}

type Outcome = Result<bool, Box<dyn std::error::Error>>;

/// Serves until a signal; whether every request came to its end.
fn serve(words: &[&str]) -> Outcome {
    let mut settings = Settings::default();
    for name in Settings::NAMES {
        let variable = format!("SERVE_{}", name.to_uppercase().replace('-', "_"));
        if let Ok(value) = std::env::var(&variable) {
            settings.set(name, &value)?;
        }
    }
    let (mut models, mut registry) = (None, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word
            .strip_prefix("--")
            .ok_or_else(|| format!("{word:?} is no option; --help lists them"))?;
        let value = words
            .next()
            .ok_or_else(|| format!("--{name} needs a value"))?;
        match name {
            "models" => models = Some(*value),
            "registry" => registry = Some(*value),
            setting => settings.set(setting, value)?,
        }
    }
    let service = match (models, registry) {
        (Some(folder), None) => Service::new(Folder::new(folder)),
        (None, Some(name)) => Service::new(Registry::new(Tracker::from_env()?, name)),
        _ => return Err("one of --models and --registry is needed".into()),
    };
    let running = service
        .load_with(production::churn::load)
        .settings(settings)
        .log_to(std::io::stderr())
        .until_signal()
        .start()?;
    Ok(running.wait().in_time)
}

/// Whether the service at an address says that it is ready.
fn check(address: &str) -> Outcome {
    let address: SocketAddr = address
        .parse()
        .map_err(|_| format!("{address:?} is no address such as 127.0.0.1:8080"))?;
    let patience = Duration::from_secs(3);
    let ask = || -> std::io::Result<String> {
        let mut connection = TcpStream::connect_timeout(&address, patience)?;
        connection.set_read_timeout(Some(patience))?;
        connection
            .write_all(b"GET /readyz HTTP/1.1\r\nhost: check\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    };
    match ask() {
        Ok(answer) => {
            println!("{}", answer.lines().last().unwrap_or_default());
            Ok(answer.starts_with("HTTP/1.1 200 "))
        }
        Err(error) => {
            println!("{address}: {error}");
            Ok(false)
        }
    }
}
