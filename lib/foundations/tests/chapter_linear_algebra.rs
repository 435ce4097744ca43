//! The named results of the chapter *Linear algebra*, computed through `linalg` alone and compared
//! with those of the executed notebook.

use datasets::Mnist;
use display::contract::Notebook;
use foundations::linalg::{self, Cholesky, Qr, Svd, SymmetricEigen};
use ndarray::{Array1, Array2, Axis, s};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn notebook() -> Notebook {
    Notebook::open("foundations/linear-algebra").expect("`cargo course run` makes the notebook")
}

/// The digit that opens the chapter, shape (28, 28).
fn digit() -> Result<Array2<f64>, datasets::DatasetError> {
    let mnist = datasets::mnist()?;
    Ok(mnist.image(mnist.first_of(5)))
}

/// `‖A - A_r‖ / ‖A‖` in the Frobenius norm.
fn relative_error(a: &Array2<f64>, rank: usize) -> Result<f64, linalg::LinalgError> {
    let left = a - &linalg::low_rank(a.view(), rank)?;
    Ok(linalg::frobenius_norm(left.view())? / linalg::frobenius_norm(a.view())?)
}

#[test]
fn a_few_triples_carry_the_digit() -> Outcome {
    let (notebook, digit) = (notebook(), digit()?);
    let share = |rank| relative_error(&digit, rank).map(|error| 1.0 - error * error);
    notebook.assert("rebuilt.share_1", share(1)?);
    notebook.assert("rebuilt.share_4", share(4)?);
    notebook.assert("rebuilt.share_8", share(8)?);
    let svd = Svd::new(digit.view())?;
    let numbers = svd.u().nrows() + svd.vt().ncols() + 1;
    notebook.assert("rebuilt.numbers_8", 8 * numbers);
    Ok(())
}

#[test]
fn the_nearest_mean_names_four_digits_in_five() -> Outcome {
    let mnist: Mnist = datasets::mnist()?;
    // the mean of each digit, without the chapter's product
    let mut means = Array2::<f64>::zeros((10, mnist.images.ncols()));
    for (image, &label) in mnist.images.rows().into_iter().zip(&mnist.labels) {
        means.row_mut(label.into()).scaled_add(1.0 / 500.0, &image);
    }
    let mut right = 0;
    for (image, &label) in mnist.images.rows().into_iter().zip(&mnist.labels) {
        let distances: Vec<f64> = means
            .rows()
            .into_iter()
            .map(|mean| image.iter().zip(mean).map(|(x, m)| (x - m) * (x - m)).sum())
            .collect();
        let nearest = (0..10).min_by(|&i, &j| distances[i].total_cmp(&distances[j]));
        right += usize::from(nearest == Some(label.into()));
    }
    notebook().assert("means.accuracy", right as f64 / mnist.len() as f64);
    Ok(())
}

#[test]
fn one_direction_carries_four_fifths_of_the_cars() -> Outcome {
    let measured = [
        "mpg",
        "cylinders",
        "displacement",
        "horsepower",
        "weight",
        "acceleration",
    ];
    let cars = datasets::auto()?.design(&measured)?;
    let centred = &cars - &(cars.sum_axis(Axis(0)) / cars.nrows() as f64);
    let standard = &centred / &centred.map_axis(Axis(0), |c| c.dot(&c).sqrt());
    let correlations = linalg::matmul(standard.t(), standard.view())?;
    let eigen = SymmetricEigen::new(correlations.view())?;
    notebook().assert(
        "eigen.first_share",
        eigen.eigenvalues()[0] / eigen.eigenvalues().sum(),
    );
    // the same from the singular values of the standardised table
    let values = Svd::new(standard.view())?.singular_values().mapv(|v| v * v);
    notebook().assert("eigen.first_share", values[0] / values.sum());
    Ok(())
}

#[test]
fn squaring_loses_digits_of_the_smallest_value() -> Outcome {
    let digit = digit()?;
    let svd = Svd::new(digit.view())?;
    let last = svd.rank() - 1;
    let smallest = svd.singular_values()[last];
    notebook().assert("svd.smallest", smallest);
    let largest = linalg::spectral_norm(digit.view())?;
    notebook().assert("svd.squares_apart", 2.0 * (largest / smallest).log10());
    let gram = linalg::matmul(digit.t(), digit.view())?;
    let squared = SymmetricEigen::new(gram.view())?.eigenvalues()[last].sqrt();
    let lost = ((squared / smallest - 1.0).abs() / f64::EPSILON).log10();
    notebook().assert("svd.lost_digits", lost);
    Ok(())
}

#[test]
fn rotated_columns_keep_the_smallest_value() -> Outcome {
    let digit = digit()?;
    let svd = Svd::new(digit.view())?;
    let last = svd.rank() - 1;
    let lengths = rotated(digit.t().to_owned());
    let off = (lengths[last] / svd.singular_values()[last] - 1.0).abs();
    notebook().assert("svd.kept_digits", -off.max(f64::EPSILON).log10());
    Ok(())
}

/// The lengths of the columns of `a`, longest first, after Jacobi's rotations laid them at right
/// angles: angles by `atan2`, where the chapter solves a quadratic equation.
fn rotated(mut a: Array2<f64>) -> Vec<f64> {
    for _ in 0..10 {
        for p in 0..a.ncols() {
            for q in p + 1..a.ncols() {
                let (x, y) = (a.column(p).to_owned(), a.column(q).to_owned());
                let angle = 0.5 * (2.0 * x.dot(&y)).atan2(x.dot(&x) - y.dot(&y));
                let (sin, cos) = angle.sin_cos();
                a.column_mut(p).assign(&(cos * &x + sin * &y));
                a.column_mut(q).assign(&(cos * &y - sin * &x));
            }
        }
    }
    let mut lengths = a.map_axis(Axis(0), |c| c.dot(&c).sqrt()).to_vec();
    lengths.sort_by(|x, y| y.total_cmp(x));
    lengths
}

#[test]
fn shuffled_pixels_are_not_of_low_rank() -> Outcome {
    let digit = digit()?;
    let mut pixels: Vec<f64> = digit.iter().copied().collect();
    pixels.shuffle(&mut StdRng::seed_from_u64(1));
    let shuffled = Array2::from_shape_vec((28, 28), pixels)?;
    notebook().assert("low_rank.error_digit", relative_error(&digit, 8)?);
    notebook().assert("low_rank.error_shuffled", relative_error(&shuffled, 8)?);
    Ok(())
}

#[test]
fn powers_of_horsepower_cost_the_normal_equations_twice_the_digits() -> Outcome {
    let power = datasets::auto()?.horsepower / 100.0;
    let digits = |w: &Array1<f64>| linalg::norm_inf((w - 1.0).view()).map(|e| -e.log10());
    let mut apart = 0.0_f64;
    for degree in 1..=12 {
        let x = Array2::from_shape_fn((power.len(), degree + 1), |(i, j)| power[i].powi(j as i32));
        let y = x.sum_axis(Axis(1));
        let condition = linalg::condition_number(x.view())?;
        let promised = |lost: f64| -f64::EPSILON.log10() - lost * condition.log10();
        let by_qr = digits(&Qr::new(x.view())?.solve(y.view())?)?;
        apart = apart.max((by_qr - promised(1.0)).abs());
        let gram = linalg::matmul(x.t(), x.view())?;
        let by_normal = match Cholesky::new(gram.view()) {
            Ok(factor) => Some(digits(&factor.solve(x.t().dot(&y).view())?)?),
            Err(_) => None, // not positive definite in `f64`
        };
        if let Some(by_normal) = by_normal {
            apart = apart.max((by_normal - promised(2.0)).abs());
        }
        if degree == 8 {
            notebook().assert("power.condition", condition);
            notebook().assert("power.qr_digits", by_qr);
            notebook().assert("power.normal_digits", by_normal.expect("positive definite"));
        }
    }
    notebook().assert("power.apart", apart);
    Ok(())
}

#[test]
fn longley_keeps_what_its_scaled_condition_number_promises() -> Outcome {
    let longley = datasets::longley()?;
    let (design, employed) = (longley.design(), longley.employed);
    let scaled = &design / &design.map_axis(Axis(0), |c| c.dot(&c).sqrt());
    notebook().assert(
        "longley.condition",
        linalg::condition_number(design.view())?,
    );
    notebook().assert(
        "longley.condition_scaled",
        linalg::condition_number(scaled.view())?,
    );
    let inputs = design.slice(s![.., 1..]);
    let centred = &inputs - &inputs.mean_axis(Axis(0)).expect("rows");
    let centred = &centred / &centred.map_axis(Axis(0), |c| c.dot(&c).sqrt());
    let of_centred = linalg::condition_number(centred.view())?;
    notebook().assert("longley.condition_centred", of_centred);

    let exact = exact_longley();
    let digits = |w: &Array1<f64>| {
        let off = w
            .iter()
            .zip(&exact)
            .map(|(w, exact)| (w / exact - 1.0).abs());
        -off.fold(f64::EPSILON, f64::max).log10()
    };
    let by_qr = linalg::least_squares(design.view(), employed.view())?;
    let gram = linalg::matmul(design.t(), design.view())?;
    let right = linalg::matvec(design.t(), employed.view())?;
    let by_normal = Cholesky::new(gram.view())?.solve(right.view())?;
    notebook().assert("longley.qr_digits", digits(&by_qr));
    notebook().assert("longley.normal_digits", digits(&by_normal));
    notebook().assert("longley.gap", digits(&by_qr) - digits(&by_normal));

    let values = Svd::new(scaled.view())?.singular_values().clone();
    let condition = values[0] / values[values.len() - 1];
    notebook().assert("longley.lost", condition.log10());
    let solution = linalg::least_squares(scaled.view(), employed.view())?;
    let left = linalg::norm_2((&employed - &scaled.dot(&solution)).view())?;
    let size = values[0] * linalg::norm_2(solution.view())?;
    notebook().assert("longley.wedin", (condition + 1.0) * left / size);
    Ok(())
}

/// The solution in rational arithmetic, from `golden/linalg.py`.
fn exact_longley() -> Vec<f64> {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/linalg.json")).expect("JSON");
    let cases = golden["least_squares"].as_array().expect("an array");
    let case = cases
        .iter()
        .find(|case| case["name"] == "longley")
        .expect("the case");
    let exact = case["exact"].as_array().expect("an array");
    exact
        .iter()
        .map(|v| v.as_f64().expect("a number"))
        .collect()
}

#[test]
fn the_constants_typed_in_the_chapter_are_the_golden_ones() -> Outcome {
    let chapter = include_str!("../../../chapters/foundations/linear-algebra.md");
    let golden: serde_json::Value = serde_json::from_str(include_str!("golden/linalg.json"))?;
    let values = golden["digit"][0]["s"].as_array().expect("an array");
    for value in &values[..5] {
        assert!(
            chapter.contains(&value.to_string()),
            "numpy's {value} is not in the chapter"
        );
    }
    let start = chapter
        .find("let certified: Array1<f64> = array![")
        .expect("the certified values");
    let list = &chapter[start..][chapter[start..].find('[').expect("[") + 1..];
    let list = &list[..list.find(']').expect("]")];
    let certified: Vec<f64> = list
        .split(',')
        .map(|v| v.trim().parse())
        .collect::<Result<_, _>>()?;
    let exact = exact_longley();
    assert_eq!(certified.len(), exact.len());
    for (typed, exact) in certified.iter().zip(&exact) {
        assert!((typed / exact - 1.0).abs() < 1e-13, "{typed} {exact}");
    }
    // and ours agree with numpy's on the digit
    let svd = Svd::new(digit()?.view())?;
    let ours = svd.singular_values().slice(s![..5]);
    for (ours, numpy) in ours.iter().zip(values) {
        assert!((ours / numpy.as_f64().expect("a number") - 1.0).abs() < 1e-14);
    }
    Ok(())
}
