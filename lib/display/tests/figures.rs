//! What a figure's HTML holds, and which faults it names.

mod common;

use common::{check, one_line};
use display::{DisplayError, Figure, Heatmap, Images, Plot};
use ndarray::{Array1, arr2};
use proptest::prelude::*;

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

#[test]
fn a_figure_is_one_figure_element_with_described_svg() {
    let figure = plot()
        .line("f", [0.0, 1.0], [0.0, 2.0])
        .caption("Steady.")
        .draw()
        .unwrap();
    let html = figure.to_html();
    let text = check(&html);
    assert!(html.starts_with("<figure class=\"course-figure\""));
    // One drawing for wide places and one for narrow ones, of which one is shown.
    assert_eq!(html.matches("<svg class=\"fig-").count(), 2);
    assert_eq!(
        html.matches("role=\"img\" aria-label=\"What it shows\"")
            .count(),
        2
    );
    assert!(html.ends_with("<figcaption>Steady.</figcaption>\n</figure>"));
    for part in ["A title", "time (s)", "speed (m/s)"] {
        assert_eq!(text.matches(part).count(), 2, "{part}");
    }
    assert!(
        !html.contains(" id="),
        "ids could clash with those of other figures"
    );
    assert!(
        !html.contains("http")
            || html
                .replace("http://www.w3.org/2000/svg", "")
                .find("http")
                .is_none()
    );
    assert_eq!(
        figure.to_string(),
        "[Figure: A title]\nWhat it shows\nSteady."
    );
    assert_eq!(figure.alt_text(), "What it shows");
}

#[test]
fn a_small_figure_has_one_drawing() {
    let html = plot()
        .size(400, 260)
        .line("f", [0.0, 1.0], [0.0, 2.0])
        .draw()
        .unwrap()
        .to_html();
    assert_eq!(html.matches("<svg class=\"fig-").count(), 1);
}

#[test]
fn colours_follow_the_theme() {
    let html = plot()
        .points("a", [0.0, 1.0], [0.0, 2.0])
        .line("b", [0.0, 1.0], [1.0, 2.0])
        .line("c", [0.0, 1.0], [2.0, 2.0])
        .colour(0)
        .draw()
        .unwrap()
        .to_html();
    assert!(html.contains("stroke=\"var(--fig-2,#d55e00)\""));
    assert!(
        html.contains("stroke=\"var(--fig-1,#0072b2)\""),
        "`c` is drawn in the first colour"
    );
    assert!(html.contains("var(--fig-text,currentColor)"));
    for fixed in [
        "\"black\"",
        "\"#000000\"",
        "\"#000\"",
        "\"white\"",
        "\"#fff\"",
        "\"#ffffff\"",
    ] {
        assert!(
            !html.contains(fixed),
            "{fixed} would not be seen in one of the themes"
        );
    }
}

#[test]
fn a_line_is_labelled_at_its_end_and_points_above() {
    let both =
        plot()
            .points("cars", [0.0, 1.0], [0.0, 2.0])
            .line("least squares", [0.0, 1.0], [0.5, 1.5]);
    let html = both.draw().unwrap().to_html();
    let x_of = |label: &str| -> f64 {
        let before = html.split(&format!(">{label}<")).next().unwrap();
        before
            .rsplit("<text x=\"")
            .next()
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!(x_of("least squares") > 480.0);
    assert!(x_of("cars") < 60.0);
    // Alone, neither needs a name.
    let alone = plot()
        .points("cars", [0.0, 1.0], [0.0, 2.0])
        .draw()
        .unwrap()
        .to_html();
    assert!(!alone.contains("cars"));
}

#[test]
fn equal_axes_give_a_square_equal_sides() {
    let square = plot().points("a", [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]);
    let sides = |plot: Plot| {
        let figure = plot.draw().unwrap();
        let [corner, right, up] = centres(&figure)[..] else {
            panic!("three circles")
        };
        (right.0 - corner.0, corner.1 - up.1)
    };
    let (across, upwards) = sides(square.clone());
    assert!(across > 1.3 * upwards, "{across} {upwards}");
    for size in [(640, 400), (400, 600), (640, 200)] {
        let (across, upwards) = sides(square.clone().size(size.0, size.1).equal_axes());
        assert!(
            (across - upwards).abs() <= 0.01 * across,
            "{size:?}: {across} {upwards}"
        );
    }
}

#[test]
fn a_note_stands_beside_its_point_within_the_plot() {
    let html = plot()
        .points("a", [0.0, 1.0], [0.0, 1.0])
        .note(0.0, 0.0, "first")
        .note(1.0, 1.0, "last")
        .note(5.0, 1.0, "beyond")
        .draw()
        .unwrap()
        .to_html();
    let tag = |label: &str| {
        let before = html.split(&format!(">{label}</text>")).next().unwrap();
        before.rsplit("<text ").next().unwrap().to_owned()
    };
    assert!(
        !tag("first").contains("text-anchor"),
        "to the right of its point"
    );
    assert!(
        tag("last").contains("text-anchor=\"end\""),
        "to the left of its point"
    );
    assert!(!html.contains("beyond"));
    let fault = plot()
        .points("a", [1.0], [1.0])
        .note(f64::NAN, 1.0, "here")
        .draw()
        .unwrap_err();
    assert_eq!(
        fault.to_string(),
        "`here`: note[x] is NaN, which cannot be drawn"
    );
}

#[test]
fn labels_of_lines_that_end_together_do_not_overlap() {
    let mut plot = plot();
    for i in 0..8 {
        plot = plot.line(
            format!("line {i}"),
            [0.0, 1.0],
            [0.0, 1.0 + 0.001 * f64::from(i)],
        );
    }
    let html = plot.draw().unwrap().to_html();
    let wide = html.split("<svg class=\"fig-narrow").next().unwrap();
    let mut levels: Vec<f64> = (0..8)
        .map(|i| {
            let before = wide.split(&format!(">line {i}<")).next().unwrap();
            before
                .rsplit(" y=\"")
                .next()
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    levels.sort_by(f64::total_cmp);
    assert!(
        levels.windows(2).all(|pair| pair[1] - pair[0] >= 15.0),
        "{levels:?}"
    );
}

#[test]
fn what_lies_beyond_a_range_is_not_drawn() {
    let figure = plot()
        .x_range(0.0, 10.0)
        .points("a", [1.0, 2.0, 500.0], [1.0, 2.0, 3.0])
        .draw()
        .unwrap();
    assert_eq!(centres(&figure).len(), 2);
}

#[test]
fn many_points_are_written_short() {
    let xs: Vec<f64> = (0..5000).map(f64::from).collect();
    let html = plot().points("a", &xs, &xs).draw().unwrap().to_html();
    assert!(html.len() < 5000 * 2 * 20, "{} bytes", html.len());
    assert_eq!(html.matches("h0").count(), 2 * 5000);
    let line = plot()
        .line("a", &xs, xs.iter().map(|x| x.sin()))
        .draw()
        .unwrap()
        .to_html();
    assert!(line.len() < 60_000, "{} bytes", line.len());
}

#[test]
fn a_figure_of_panels_holds_each_and_all_their_results() {
    let panel = |name: &str| {
        plot()
            .line("f", [0.0, 1.0], [0.0, 1.0])
            .draw()
            .unwrap()
            .result(name, 1.0)
    };
    let pair = Figure::beside(vec![panel("a.b"), panel("c.d")])
        .caption("Both")
        .result("e.f", true);
    let html = pair.to_html();
    check(&html);
    assert_eq!(html.matches("<figure class=\"course-figure\"").count(), 2);
    let json: serde_json::Value = serde_json::from_str(&pair.results_json().unwrap()).unwrap();
    let names: Vec<&String> = json["results"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["a.b", "c.d", "e.f"]);
}

#[test]
fn plotters_draws_in_theme_colours_on_no_background() {
    use display::plotters::prelude::*;
    let figure = Figure::from_plotters("Shapes", (300, 200), |root| {
        root.fill(&WHITE)?;
        root.draw(&Circle::new((50, 60), 7, BLACK.filled()))?;
        root.draw(&Rectangle::new(
            [(10, 20), (30, 50)],
            display::PALETTE[1].mix(0.5).filled(),
        ))?;
        root.draw(&PathElement::new(
            [(0, 0), (10, 0), (10, 10)],
            RED.stroke_width(2),
        ))?;
        root.draw(&Text::new("a < b & c", (5, 5), ("sans-serif", 12)))?;
        Ok(())
    })
    .unwrap()
    .alt("Shapes");
    let html = figure.to_html();
    assert!(check(&html).contains("a < b & c"));
    assert!(
        !html.contains("--fig-paper"),
        "the white background is left out"
    );
    assert!(html.contains("<g fill=\"var(--fig-text,currentColor)\" data-r=\"7\"><circle cx=\"50\" cy=\"60\" r=\"7\"/></g>"));
    assert!(html.contains("fill=\"var(--fig-2,#d55e00)\" fill-opacity=\"0.5\"><rect x=\"10\" y=\"20\" width=\"20\" height=\"30\"/>"));
    assert!(html.contains(
        "<path d=\"M0 0l10 0l0 10\" fill=\"none\" stroke=\"#ff0000\" stroke-width=\"2\""
    ));
    let failed = Figure::from_plotters("Shapes", (300, 200), |_| Err("no ink".into()));
    assert_eq!(
        failed.unwrap_err().to_string(),
        "the figure `Shapes` cannot be drawn: no ink"
    );
    assert!(Figure::from_plotters("Shapes", (3, 200), |_| Ok(())).is_err());
}

#[test]
fn each_fault_is_named_with_its_place() {
    let fault = |plot: Plot| plot.draw().unwrap_err().to_string();
    let one = [1.0];
    assert_eq!(
        fault(plot().points("cars", [1.0, 2.0], [1.0])),
        "`cars`: ys has length 1, but 2 is needed"
    );
    assert_eq!(
        fault(plot().band("b", [1.0, 2.0], [1.0, 2.0], [1.0])),
        "`b`: upper has length 1, but 2 is needed"
    );
    assert_eq!(
        fault(plot().line("loss", [0.0, 1.0, 2.0], [1.0, f64::NAN, 0.0])),
        "`loss`: ys[1] is NaN, which cannot be drawn"
    );
    assert_eq!(
        fault(plot().line("loss", [0.0, f64::INFINITY], [1.0, 0.0])),
        "`loss`: xs[1] is inf, which cannot be drawn"
    );
    assert_eq!(
        fault(plot().histogram("residuals", [0.0, f64::NAN], 5)),
        "`residuals`: xs[1] is NaN, which cannot be drawn"
    );
    assert_eq!(
        fault(plot().log_y().line("loss", [0.0, 1.0], [1.0, 0.0])),
        "`loss`: ys[1] is 0, but the y axis is logarithmic and needs values above 0"
    );
    assert_eq!(
        fault(plot().points("cars", [0.0; 0], [0.0; 0])),
        "`cars` is empty"
    );
    assert_eq!(fault(plot().histogram("r", [0.0; 0], 3)), "`r` is empty");
    assert_eq!(
        fault(plot()),
        "the figure `A title` holds nothing to draw: add a series, an image or a matrix"
    );
    assert_eq!(
        fault(plot().band("b", one, [2.0], [1.0])),
        "the band `b` at 0: the lower end 2 is not below the upper end 1"
    );
    assert_eq!(
        fault(plot().x_range(2.0, 2.0).points("a", one, one)),
        "x_range: the lower end 2 is not below the upper end 2"
    );
    assert!(matches!(
        plot()
            .log_y()
            .y_range(0.0, 1.0)
            .points("a", one, one)
            .draw(),
        Err(DisplayError::EmptyRange { .. })
    ));
    assert_eq!(
        fault(plot().points("a", one, one).hline(f64::NAN, "mean")),
        "`mean`: hline[0] is NaN, which cannot be drawn"
    );
    assert!(matches!(
        plot().points("a", one, one).size(100, 400).draw(),
        Err(DisplayError::TooSmall { .. })
    ));
    assert!(matches!(
        plot().points("a", one, one).size(300, 121).draw(),
        Err(DisplayError::TooSmall { .. })
    ));
}

#[test]
fn texts_that_a_figure_needs_are_asked_for() {
    let one = [1.0];
    let missing = |plot: Plot| match plot.points("a", one, one).draw() {
        Err(DisplayError::MissingText { what, how, .. }) => format!("{what}: {how}"),
        other => panic!("{other:?}"),
    };
    let new = || Plot::new("A title");
    assert_eq!(
        missing(new()),
        "text alternative: .alt(\"what the picture shows\")"
    );
    assert_eq!(
        missing(new().alt("  ")),
        "text alternative: .alt(\"what the picture shows\")"
    );
    assert_eq!(
        missing(new().alt("a")),
        "label of the x axis: .x_label(\"quantity (unit)\")"
    );
    assert_eq!(
        missing(new().alt("a").x_label("x")),
        "label of the y axis: .y_label(\"quantity (unit)\")"
    );
    assert_eq!(
        missing(Plot::new("").alt("a").x_label("x").y_label("y")),
        "title: one to Plot::new"
    );
    assert!(matches!(
        Images::new("t").image("i", &arr2(&[[1.0]])).draw(),
        Err(DisplayError::MissingText { .. })
    ));
    assert!(matches!(
        Heatmap::new("t").matrix(&arr2(&[[1.0]])).draw(),
        Err(DisplayError::MissingText { .. })
    ));
}

#[test]
fn images_and_heat_maps_name_their_faults() {
    let images = |matrix| Images::new("t").image("i", &matrix).alt("a").draw();
    assert_eq!(
        images(arr2(&[[0.0, 1.0], [f64::NAN, 0.5]]))
            .unwrap_err()
            .to_string(),
        "`i`: matrix[1, 0] is NaN, which cannot be drawn"
    );
    assert!(matches!(
        images(ndarray::Array2::zeros((0, 3))),
        Err(DisplayError::EmptySeries { .. })
    ));
    assert!(matches!(
        Images::new("t").alt("a").draw(),
        Err(DisplayError::Empty { .. })
    ));
    assert!(matches!(
        Images::new("t")
            .image("i", &arr2(&[[0.0]]))
            .range(1.0, 1.0)
            .alt("a")
            .draw(),
        Err(DisplayError::EmptyRange { .. })
    ));
    let heat = || Heatmap::new("t").matrix(&arr2(&[[1.0, -2.0]])).alt("a");
    check(&heat().values(1).draw().unwrap().to_html());
    assert!(matches!(
        heat().row_labels(["a", "b"]).draw(),
        Err(DisplayError::LengthMismatch {
            what: "row_labels",
            expected: 1,
            found: 2,
            ..
        })
    ));
    assert!(matches!(
        heat().range(1.0, 0.0).draw(),
        Err(DisplayError::EmptyRange { .. })
    ));
    assert!(matches!(
        Heatmap::new("t").alt("a").draw(),
        Err(DisplayError::Empty { .. })
    ));
}

#[test]
fn an_image_is_a_png_with_the_matrix_in_it() {
    let html = Images::new("t")
        .image("i", &arr2(&[[0.0, 0.5], [1.0, 7.0]]))
        .alt("a")
        .draw()
        .unwrap()
        .to_html();
    check(&html);
    let data = html
        .split("base64,")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let bytes = base64(data);
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(bytes[16..24], [0, 0, 0, 2, 0, 0, 0, 2], "2 × 2");
    // After the chunk's length and name: zlib's two bytes, the block's five, then the rows.
    let rows = bytes
        .windows(4)
        .position(|window| window == b"IDAT")
        .unwrap()
        + 4
        + 2
        + 5;
    assert_eq!(bytes[rows..rows + 6], [0, 0, 128, 0, 255, 255]);
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bits = text.bytes().filter(|c| *c != b'=').map(digit);
    let (mut bytes, mut buffer, mut count) = (Vec::new(), 0_u32, 0);
    for six in bits {
        (buffer, count) = ((buffer << 6) | u32::from(six), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((buffer >> count) as u8);
        }
    }
    bytes
}

/// Texts with everything that markup cares about.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z<>&\"' \\n\\t{}$]{1,30}",
        "\\PC{1,20}",
        Just("a\n\n\nb".to_owned()),
        Just("</figure><script>alert('1')</script>".to_owned()),
        Just("\u{0}\u{1b}[31m]]>".to_owned()),
    ]
    .prop_filter("not blank", |text| !one_line(text).is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_shown_as_it_is_and_breaks_nothing(
        title in text(), label in text(), alt in text(), caption in text(), name in text(),
    ) {
        let figure = Plot::new(&title)
            .x_label(&label)
            .y_label("y")
            .alt(&alt)
            .caption(&caption)
            .points(&name, [0.0, 1.0], [0.0, 1.0])
            .line(&name, [0.0, 1.0], [0.0, 1.0])
            .hline(0.5, &name)
            .vline(0.5, &name)
            .draw();
        let html = figure.unwrap().to_html();
        let text = check(&html);
        prop_assert!(text.contains(&one_line(&caption)), "{caption:?} in {text:?}");
        prop_assert!(!html.contains("<script"));
    }

    #[test]
    fn any_finite_values_are_drawn_with_finite_numbers(
        values in prop::collection::vec((prop::num::f64::NORMAL | prop::num::f64::ZERO, prop::num::f64::NORMAL), 1..40),
        log in any::<bool>(), equal in any::<bool>(),
    ) {
        let (mut xs, mut ys): (Array1<f64>, Array1<f64>) =
            (values.iter().map(|v| v.0).collect(), values.iter().map(|v| v.1).collect());
        if log {
            xs.mapv_inplace(|x| x.abs().max(f64::MIN_POSITIVE));
            ys.mapv_inplace(|y| y.abs().max(f64::MIN_POSITIVE));
        }
        let plot = plot()
            .points("points", &xs, &ys)
            .line("line", &xs, &ys)
            .dashed()
            .steps("steps", &xs, &ys)
            .bars("bars", &xs, &ys)
            .band("band", &xs, &ys, &ys);
        let plot = if equal { plot.equal_axes() } else { plot };
        let plot = if log { plot.log_x().log_y() } else { plot };
        let html = plot.draw().unwrap().to_html();
        check(&html);
        prop_assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    }
}

/// Where the drawing's data begin: the corner of the nested SVG, less its margin.
fn corner(html: &str) -> (f64, f64) {
    let nested = html.split("<svg x=\"").nth(1).unwrap();
    let y = nested.split("y=\"").nth(1).unwrap();
    let number = |text: &str| text.split('"').next().unwrap().parse::<f64>().unwrap() + 4.0;
    (number(nested), number(y))
}

/// Ticks and reference lines are placed by one rule, and the data by plotters: they must agree.
#[test]
fn ticks_and_lines_stand_where_the_data_do() {
    let linear = plot().points("a", [0.0, 10.0, 20.0], [0.0, 40.0, 100.0]);
    let log = plot()
        .log_x()
        .log_y()
        .points("a", [1.0, 10.0, 1000.0], [50.0, 4000.0, 500_000.0]);
    for (plot, level) in [(linear, 40.0), (log, 4000.0)] {
        let figure = plot
            .hline(level, "level")
            .vline(10.0, "upright")
            .draw()
            .unwrap();
        let html = figure.to_html();
        let (left, top) = corner(&html);
        let (x, y) = centres(&figure)[1];
        let (x, y) = (left + x, top + y);
        let attribute = |label: &str, name: &str| -> f64 {
            let before = html.split(&format!(">{label}</text>")).next().unwrap();
            let tag = before.rsplit("<text ").next().unwrap();
            let value = tag.split(&format!("{name}=\"")).nth(1).unwrap();
            value.split('"').next().unwrap().parse().unwrap()
        };
        assert!((attribute("10", "x") - x).abs() < 0.2, "the tick at 10");
        assert!(
            (attribute("upright", "x") - x).abs() < 0.2,
            "the line at 10"
        );
        assert!((attribute("level", "y") - 4.3 - y).abs() < 0.2, "the level");
        if level == 40.0 {
            assert!(
                (attribute("40", "y") - 4.3 - y).abs() < 0.2,
                "the tick at 40"
            );
        }
    }
}
