//! Writes a page with a figure of every kind, to look at in light and dark:
//!
//! ```text
//! cargo run -p display --example gallery -- gallery.html
//! cargo run -p display --example gallery -- dark.html --dark
//! cargo run -p display --example gallery -- bare.html --dark --bare    # without the stylesheet, as in Jupyter
//! ```

use std::error::Error;

use display::plotters::prelude::*;
use display::{Cell, Figure, Heatmap, Images, PALETTE, Plot, Results, Table, Tolerance};
use ndarray::{Array1, Array2, Axis};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let path = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"))
        .ok_or("which file?")?;
    let (class, paper, ink) = if has("--dark") {
        ("dark", "#141617", "#c8c9db")
    } else {
        ("light", "#ffffff", "#1a1a1a")
    };
    let style = if has("--bare") {
        ""
    } else {
        include_str!("gallery.css")
    };
    let mut page = format!(
        "<!doctype html><html class=\"{class}\" lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Gallery</title>\
         <style>{style}\nbody {{ background: {paper}; color: {ink}; font: 17px/1.5 Georgia, serif; \
         max-width: 680px; margin: 0 auto; padding: 0 18px }}</style>\n"
    );
    for html in shown()? {
        page.push_str(&html);
        page.push('\n');
    }
    std::fs::write(path, page)?;
    Ok(())
}

/// A figure or table of every kind, on the course's data.
fn shown() -> Result<Vec<String>, Box<dyn Error>> {
    let auto = datasets::auto()?;
    let mnist = datasets::mnist()?;
    let (intercept, slope) = (39.935_861, -0.157_844_7);
    let grid = Array1::linspace(46.0, 230.0, 60);
    let line = grid.mapv(|x| intercept + slope * x);
    let spread = grid.mapv(|x| 0.4 + 0.00009 * f64::powi(x - 104.0, 2));
    let mut all = Vec::new();

    let scatter = Plot::new("More power, fewer miles to the gallon")
        .x_label("horsepower (hp)")
        .y_label("fuel economy (mpg)")
        .points("cars", &auto.horsepower, &auto.mpg)
        .band("95 % interval of the mean", &grid, &line - &spread, &line + &spread)
        .colour(1)
        .line("least squares", &grid, &line)
        .colour(1)
        .hline(auto.mpg.mean().unwrap_or(0.0), "mean")
        .note(132.0, 32.7, "datsun 280-zx")
        .alt("392 cars: fuel economy falls with power, steeply at first, while the fitted line is straight")
        .caption("The line is too high in the middle and too low at both ends: the relation bends.")
        .draw()?;
    all.push(scatter.to_html());

    let of = |origin: f64| {
        let keep: Vec<usize> = (0..auto.len())
            .filter(|&i| auto.origin[i] == origin)
            .collect();
        (
            auto.weight.select(Axis(0), &keep),
            auto.mpg.select(Axis(0), &keep),
        )
    };
    let mut origins = Plot::new("Weight and fuel economy by origin, on logarithmic axes")
        .x_label("weight (lb)")
        .y_label("fuel economy (mpg)")
        .log_x()
        .log_y();
    for (name, code) in [("America", 1.0), ("Europe", 2.0), ("Japan", 3.0)] {
        let (x, y) = of(code);
        origins = origins.points(name, &x, &y);
    }
    all.push(
        origins
            .alt("Heavier cars go fewer miles; American cars are the heaviest")
            .draw()?
            .to_html(),
    );

    let steps = Array1::from_iter((0..2000).map(f64::from));
    let decay = |rate: f64, floor: f64| {
        steps.mapv(|t| floor + (-rate * t).exp() + 0.003 * (t * 0.02).sin())
    };
    let losses = Plot::new("Training loss under four learning rates")
        .x_label("step")
        .y_label("loss (nats)")
        .log_y()
        .line("0.001", &steps, decay(0.0008, 0.02))
        .line("0.003", &steps, decay(0.002, 0.021))
        .line("0.01", &steps, decay(0.004, 0.024))
        .line("0.03, with warm-up and decay", &steps, decay(0.01, 0.05))
        .dashed()
        .vline(500.0, "first restart")
        .vline(700.0, "second restart")
        .vline(1990.0, "stop")
        .alt("Four loss curves that fall and level off")
        .draw()?;
    all.push(losses.to_html());

    let bars = Plot::new("Cars by cylinders")
        .x_label("cylinders")
        .y_label("cars")
        .bars(
            "1970 to 1976",
            [3.0, 4.0, 5.0, 6.0, 8.0],
            [2.0, 99.0, 0.0, 52.0, 83.0],
        )
        .bars(
            "1977 to 1982",
            [3.0, 4.0, 5.0, 6.0, 8.0],
            [2.0, 100.0, 3.0, 31.0, 20.0],
        )
        .alt("Bars for two periods: fewer cars of eight cylinders in the later")
        .draw()?;
    let histogram = Plot::new("Residuals of the line")
        .x_label("residual (mpg)")
        .y_label("cars")
        .histogram(
            "residuals",
            auto.mpg
                .iter()
                .zip(&auto.horsepower)
                .map(|(y, x)| y - intercept - slope * x),
            24,
        )
        .vline(0.0, "zero")
        .alt("A bell about zero with a longer right tail")
        .draw()?;
    all.push(
        Figure::beside(vec![bars, histogram])
            .caption("Two panels share the width and stack on a phone.")
            .to_html(),
    );

    let importances = Plot::new("Permutation importance")
        .x_label("feature")
        .y_label("rise in error (mpg)")
        .bars(
            "rise",
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            [3.2, 2.9, 0.9, 0.5, 0.4, 0.2, -0.1],
        )
        .x_ticks([
            (0.0, "weight"),
            (1.0, "model year"),
            (2.0, "displacement"),
            (3.0, "horsepower"),
            (4.0, "acceleration"),
            (5.0, "cylinders"),
            (6.0, "origin"),
        ])
        .alt("Weight and year matter most")
        .draw()?;
    all.push(importances.to_html());

    let mut sorted = auto.mpg.to_vec();
    sorted.sort_by(f64::total_cmp);
    let share = (1..=sorted.len()).map(|i| i as f64 / sorted.len() as f64);
    let ecdf = Plot::new("Share of cars at or below a fuel economy")
        .x_label("fuel economy (mpg)")
        .y_label("share of cars")
        .steps("empirical distribution", &sorted, share)
        .y_range(0.0, 1.0)
        .alt("A step curve from 0 at 9 mpg to 1 at 46.6 mpg")
        .draw()?;
    all.push(ecdf.to_html());

    let digit = mnist.image(mnist.first_of(3));
    let mut images = Images::new("A digit, and the digit with rows left out");
    for step in [1_usize, 2, 4, 7, 14] {
        let blocks =
            Array2::from_shape_fn((28, 28), |(i, j)| digit[[i / step * step, j / step * step]]);
        images = images.image(format!("every {step} px"), &blocks);
    }
    all.push(
        images
            .alt("The digit three, ever more coarse")
            .caption("Real data: MNIST.")
            .draw()?
            .to_html(),
    );

    let names = [
        "mpg",
        "displacement",
        "horsepower",
        "weight",
        "acceleration",
    ];
    let correlation = correlations(&auto.design(&names)?);
    let heat = Heatmap::new("Correlations")
        .matrix(&correlation)
        .row_labels(names)
        .column_labels(names)
        .values(2)
        .range(-1.0, 1.0)
        .alt("Fuel economy falls with displacement, power and weight, which rise together")
        .draw()?;
    all.push(heat.to_html());
    let images = mnist.images.slice(ndarray::s![..;10, ..]);
    let large = Heatmap::new("Correlations of the pixels of the middle rows")
        .matrix(&correlations(
            &images.slice(ndarray::s![.., 364..420]).to_owned(),
        ))
        .x_label("pixel")
        .y_label("pixel")
        .alt("Neighbours are alike")
        .draw()?;
    all.push(large.to_html());

    let wave = Figure::from_plotters("A plotters chart", (420, 300), |root| {
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(root)
            .caption("Drawn by plotters", ("sans-serif", 15))
            .margin(8)
            .x_label_area_size(34)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..6.3, -1.1..1.1)?;
        chart
            .configure_mesh()
            .x_desc("angle (rad)")
            .y_desc("sine")
            .draw()?;
        chart.draw_series(LineSeries::new(
            (0..=63).map(|i| f64::from(i) / 10.0).map(|x| (x, x.sin())),
            &PALETTE[0],
        ))?;
        Ok(())
    })?
    .alt("One wave of a sine");
    all.push(wave.to_html());

    let table = Table::new(["term", "estimate", "std. error", "t", "p"])
        .caption("Least squares of mpg on horsepower")
        .row((
            "intercept",
            39.935_861,
            0.717_498_7,
            55.66,
            Cell::p_value(1e-187),
        ))
        .row((
            "horsepower",
            slope,
            0.006_445_5,
            -24.489,
            Cell::p_value(7e-81),
        ))
        .row((
            "a term with <b> & a longer name",
            12.0,
            1234.5,
            0.05,
            Cell::p_value(0.96),
        ));
    all.push(table.to_html());
    let results = Results::new()
        .result("auto.rows", auto.len())
        .result("ols.slope", slope)
        .result_within("fit.seconds", 0.000_012_3, Tolerance::Volatile);
    all.push(results.to_html());
    Ok(all)
}

fn correlations(x: &Array2<f64>) -> Array2<f64> {
    let n = x.nrows() as f64;
    let mut z = x.clone();
    for mut column in z.columns_mut() {
        let mean = column.sum() / n;
        column -= mean;
        let deviation = (column.dot(&column) / n).sqrt();
        column.mapv_inplace(|value| {
            if deviation > 0.0 {
                value / deviation
            } else {
                0.0
            }
        });
    }
    z.t().dot(&z) / n
}
