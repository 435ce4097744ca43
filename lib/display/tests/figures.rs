//! What a figure's HTML holds, and which faults it names.

use display::{DisplayError, Figure, Heatmap, Images, Plot};
use ndarray::{Array1, arr2};

fn plot() -> Plot {
    Plot::new("A title")
        .x_label("time (s)")
        .y_label("speed (m/s)")
        .alt("What it shows")
}

/// Centres of the circles in the first drawing.
fn centres(figure: &Figure) -> Vec<(f64, f64)> {
    let html = figure.to_html();
    let wide = html.split("</svg>\n<").next().unwrap();
    let attribute = |circle: &str, name: &str| -> f64 {
        circle
            .split(&format!("{name}=\""))
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    wide.split("<circle ")
        .skip(1)
        .map(|circle| (attribute(circle, "cx"), attribute(circle, "cy")))
        .collect()
}

#[test]
fn larger_values_stand_further_right_and_further_up() {
    let figure = plot()
        .points("a", [0.0, 1.0, 3.0], [5.0, 6.0, 8.0])
        .draw()
        .unwrap();
    let [first, second, third] = centres(&figure)[..] else {
        panic!("three circles")
    };
    assert!(first.0 < second.0 && second.0 < third.0);
    assert!(
        first.1 > second.1 && second.1 > third.1,
        "{first:?} {second:?} {third:?}"
    );
    // Twice the step is twice the distance, on both axes.
    let ratio = |a: f64, b: f64, c: f64| (c - b) / (b - a);
    assert!((ratio(first.0, second.0, third.0) - 2.0).abs() < 0.01);
    assert!((ratio(first.1, second.1, third.1) - 2.0).abs() < 0.01);
}

#[test]
fn a_logarithmic_axis_gives_equal_ratios_equal_room() {
    let figure = plot()
        .log_x()
        .log_y()
        .points("a", [1.0, 10.0, 100.0], [0.5, 5.0, 50.0])
        .draw()
        .unwrap();
    let [first, second, third] = centres(&figure)[..] else {
        panic!("three circles")
    };
    assert!((second.0 - first.0 - (third.0 - second.0)).abs() < 0.21);
    assert!((second.1 - first.1 - (third.1 - second.1)).abs() < 0.21);
}
