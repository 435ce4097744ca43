//! Loads a service that answers `POST /predict` with churn customers, and says how it bore it.
//!
//! `cargo run --release -p production --features churn --example load -- ADDRESS SECONDS CONNECTIONS [PID…]`
//!
//! Each connection asks, waits for the answer, and asks again. The first second is not counted. The sum of the
//! resident memory of the processes PID is taken at the end. The answers' mean is printed, so that two services can be
//! seen to serve the same model.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, seconds, connections, processes @ ..] = arguments.as_slice() else {
        return Err("ADDRESS SECONDS CONNECTIONS [PID…] are needed".into());
    };
    let (seconds, connections): (f64, usize) = (seconds.parse()?, connections.parse()?);
    let schema = production::churn::schema(0.5);
    let customers = production::churn::customers(&datasets::churn()?.path, &schema)?;
    let requests: Vec<Vec<u8>> = customers
        .json
        .iter()
        .map(|row| {
            let body = row.to_string();
            let head = format!(
                "POST /predict HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            (head + &body).into_bytes()
        })
        .collect();
    let begin = Instant::now() + Duration::from_secs(1);
    let end = begin + Duration::from_secs_f64(seconds);
    let requests = &requests;
    let results: Vec<Result<(Vec<f64>, f64), Fault>> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..connections)
            .map(|offset| scope.spawn(move || ask(address, requests, offset, begin, end)))
            .collect();
        asking
            .into_iter()
            .map(|one| one.join().expect("a connection"))
            .collect()
    });
    let (mut times, mut sum) = (Vec::new(), 0.0);
    for result in results {
        let (some, part) = result?;
        times.extend(some);
        sum += part;
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] * 1e3;
    let memory: f64 = processes.iter().map(|id| resident(id)).sum();
    println!(
        "{{\"requests_per_second\": {:.0}, \"p50_ms\": {:.3}, \"p99_ms\": {:.3}, \"memory_mb\": {:.1}, \"requests\": {}, \
         \"mean_prediction\": {:.4}}}",
        times.len() as f64 / seconds,
        at(0.5),
        at(0.99),
        memory / 1024.0,
        times.len(),
        sum / times.len() as f64,
    );
    Ok(())
}

/// The times of the answers within the window, in seconds, and the sum of their predictions.
fn ask(
    address: &str,
    requests: &[Vec<u8>],
    offset: usize,
    begin: Instant,
    end: Instant,
) -> Result<(Vec<f64>, f64), Fault> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(Duration::from_secs(30)))?;
    let (mut times, mut sum) = (Vec::new(), 0.0);
    let mut buffer = vec![0; 65_536];
    // each connection begins elsewhere in the list
    for request in requests.iter().cycle().skip(offset * 97 % requests.len()) {
        let began = Instant::now();
        if began >= end {
            break;
        }
        connection.write_all(request)?;
        let body = answer(&mut connection, &mut buffer)?;
        let took = began.elapsed().as_secs_f64();
        let start = body
            .find("\"prediction\":")
            .ok_or_else(|| format!("no prediction in {body}"))?;
        let number = body[start + 13..]
            .split([',', '}'])
            .next()
            .unwrap_or_default();
        if began >= begin {
            sum += number.trim().parse::<f64>()?;
            times.push(took);
        }
    }
    Ok((times, sum))
}

/// The body of an answer with status 200 and a stated length.
fn answer(connection: &mut TcpStream, buffer: &mut [u8]) -> Result<String, Fault> {
    let mut length = 0;
    loop {
        let read = connection.read(&mut buffer[length..])?;
        if read == 0 {
            return Err("the connection was closed".into());
        }
        length += read;
        let text = std::str::from_utf8(&buffer[..length])?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        if !head.starts_with("HTTP/1.1 200") {
            return Err(text.to_owned().into());
        }
        let stated = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= stated.ok_or("an answer without a length")? {
            return Ok(body.to_owned());
        }
    }
}

/// The resident memory of a process, in KiB.
fn resident(id: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line
        .and_then(|line| line.trim().strip_suffix("kB"))
        .map(str::trim);
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or(f64::NAN)
}
