//! `linalg` against numpy and scipy: values in `golden/linalg.json`, written by `golden/linalg.py`.
//!
//! Tolerances: `TIGHT` where both sides are accurate to the last bits; `κ ε`-sized ones where the
//! condition number κ of the input bounds what two correct programs can differ by.

use foundations::linalg::{self, Cholesky, Lu, Qr, Svd, SymmetricEigen};
use ndarray::{Array1, Array2, ArrayView2};
use serde_json::Value;

const EPS: f64 = f64::EPSILON;
/// A few units in the last place of the largest entry.
const TIGHT: f64 = 1e-14;

fn golden(section: &str) -> Vec<Value> {
    let text = include_str!("golden/linalg.json");
    let all: Value = serde_json::from_str(text).expect("golden/linalg.json is JSON");
    all[section]
        .as_array()
        .expect("a section is an array")
        .clone()
}

fn number(case: &Value, key: &str) -> f64 {
    case[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{}: no number {key}", case["name"]))
}

fn floats(value: &Value) -> Vec<f64> {
    let entries = value.as_array().expect("an array");
    entries
        .iter()
        .map(|v| v.as_f64().expect("a number"))
        .collect()
}

fn vector(case: &Value, key: &str) -> Array1<f64> {
    floats(&case[key]).into()
}

fn matrix(case: &Value, key: &str) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = case[key]
        .as_array()
        .expect("rows")
        .iter()
        .map(floats)
        .collect();
    let shape = (rows.len(), rows[0].len());
    Array2::from_shape_vec(shape, rows.concat()).expect("rows of one length")
}

/// The entries differ by at most `tolerance` times the largest entry expected.
#[track_caller]
fn assert_close<'a, 'b>(
    got: impl IntoIterator<Item = &'a f64>,
    want: impl IntoIterator<Item = &'b f64>,
    tolerance: f64,
    what: &str,
) {
    let (got, want): (Vec<_>, Vec<_>) = (got.into_iter().collect(), want.into_iter().collect());
    assert_eq!(got.len(), want.len(), "{what}: length");
    let scale = want.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        assert!(
            (**g - **w).abs() <= tolerance * scale,
            "{what}, entry {i}: got {g:e}, want {w:e}"
        );
    }
}

/// `|got - want| <= tolerance |want|`.
#[track_caller]
fn assert_number(got: f64, want: f64, tolerance: f64, what: &str) {
    assert_close(&[got], &[want], tolerance, what);
}

fn name(case: &Value) -> &str {
    case["name"].as_str().expect("a name")
}

fn frobenius(a: &Array2<f64>) -> f64 {
    a.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// `‖QᵀQ - I‖_F`
fn orthogonality(q: ArrayView2<f64>) -> f64 {
    frobenius(&(q.t().dot(&q) - Array2::<f64>::eye(q.ncols())))
}

/// `max |x - exact| / max |exact|`
fn relative_error(x: &Array1<f64>, exact: &Array1<f64>) -> f64 {
    let scale = exact.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let error = x.iter().zip(exact).map(|(a, b)| (a - b).abs());
    error.fold(0.0, f64::max) / scale
}

/// `bᵢ - Σⱼ aᵢⱼ xⱼ` in twice the working precision (Ogita, Rump and Oishi 2005).
fn residual(a: &Array2<f64>, x: &Array1<f64>, b: &Array1<f64>) -> Array1<f64> {
    let row_residual = |i: usize| {
        let (mut sum, mut error) = (b[i], 0.0);
        for (&aij, &xj) in a.row(i).iter().zip(x) {
            let product = -aij * xj;
            let product_error = (-aij).mul_add(xj, -product);
            let total = sum + product;
            let back = total - sum;
            error += (sum - (total - back)) + (product - back) + product_error;
            sum = total;
        }
        sum + error
    };
    (0..b.len()).map(row_residual).collect()
}

#[test]
fn norms_agree_with_numpy() -> Result<(), linalg::LinalgError> {
    for case in golden("norms") {
        let (x, a) = (vector(&case, "x"), matrix(&case, "a"));
        let values = [
            ("norm_1", linalg::norm_1(x.view())?),
            ("norm_2", linalg::norm_2(x.view())?),
            ("norm_inf", linalg::norm_inf(x.view())?),
            ("norm_3", linalg::norm_p(x.view(), 3.0)?),
            ("norm_1_5", linalg::norm_p(x.view(), 1.5)?),
            ("frobenius", linalg::frobenius_norm(a.view())?),
            ("matrix_1", linalg::matrix_norm_1(a.view())?),
            ("matrix_inf", linalg::matrix_norm_inf(a.view())?),
            ("spectral", linalg::spectral_norm(a.view())?),
        ];
        for (key, got) in values {
            assert_number(
                got,
                number(&case, key),
                TIGHT,
                &format!("{} {key}", name(&case)),
            );
        }
    }
    Ok(())
}

#[test]
fn products_agree_with_numpy() -> Result<(), linalg::LinalgError> {
    for case in golden("products") {
        let (x, y) = (vector(&case, "x"), vector(&case, "y"));
        let (a, b) = (matrix(&case, "a"), matrix(&case, "b"));
        let name = name(&case);
        assert_number(
            linalg::dot(x.view(), y.view())?,
            number(&case, "dot"),
            TIGHT,
            name,
        );
        let ax = linalg::matvec(a.view(), x.view())?;
        assert_close(&ax, &vector(&case, "matvec"), TIGHT, name);
        let ab = linalg::matmul(a.view(), b.view())?;
        assert_close(&ab, &matrix(&case, "matmul"), TIGHT, name);
        let xy = linalg::outer(x.view(), y.view())?;
        assert_close(&xy, &matrix(&case, "outer"), 0.0, name);
    }
    Ok(())
}

#[test]
fn lu_agrees_with_scipy() -> Result<(), linalg::LinalgError> {
    for case in golden("lu") {
        let (a, b) = (matrix(&case, "a"), vector(&case, "b"));
        let (name, cond) = (name(&case), number(&case, "cond"));
        let lu = Lu::new(a.view())?;
        assert_close(&lu.p(), &matrix(&case, "p"), 0.0, name);
        // the factors of two correct programs may differ by about κ ε, in practice far less
        let tolerance = (EPS * cond).max(TIGHT);
        assert_close(lu.l(), &matrix(&case, "l"), tolerance, name);
        assert_close(lu.u(), &matrix(&case, "u"), TIGHT, name);
        assert_number(lu.determinant(), number(&case, "det"), tolerance, name);
        let (sign, log) = lu.log_determinant();
        assert_eq!(sign, number(&case, "sign"), "{name}");
        assert!((log - number(&case, "logdet")).abs() <= tolerance, "{name}");
        if cond < 1e12 {
            let inverse = lu.inverse()?;
            assert_close(&inverse, &matrix(&case, "inverse"), tolerance, name);
        }

        let x = lu.solve(b.view())?;
        let r = residual(&a, &x, &b);
        let scale = linalg::matrix_norm_inf(a.view())? * linalg::norm_inf(x.view())?
            + linalg::norm_inf(b.view())?;
        let backward = linalg::norm_inf(r.view())? / scale;
        let numpy = number(&case, "numpy_backward_error");
        assert!(
            backward <= (4.0 * numpy).max(EPS / 2.0),
            "{name}: backward error {backward:e}, numpy {numpy:e}"
        );
        let error = relative_error(&x, &vector(&case, "exact"));
        let numpy = number(&case, "numpy_error");
        // κ ε bounds both errors; how far below it they land is luck
        assert!(
            error <= (10.0 * numpy).max((0.1 * cond * EPS).max(10.0 * EPS)),
            "{name}: error {error:e}, numpy {numpy:e}"
        );
    }
    Ok(())
}

#[test]
fn qr_agrees_with_numpy() -> Result<(), linalg::LinalgError> {
    for case in golden("factor") {
        let a = matrix(&case, "a");
        let name = name(&case);
        let qr = Qr::new(a.view())?;
        let q = qr.q();
        let scale = frobenius(&a).max(f64::MIN_POSITIVE);
        let residual = frobenius(&(&a - &q.dot(qr.r()))) / scale;
        let numpy = number(&case, "qr_residual");
        assert!(
            residual <= (4.0 * numpy).max(4.0 * EPS),
            "{name}: {residual:e}, numpy {numpy:e}"
        );
        let defect = orthogonality(q.view());
        let numpy = number(&case, "q_orthogonality");
        assert!(
            defect <= (4.0 * numpy).max(8.0 * EPS),
            "{name}: {defect:e}, numpy {numpy:e}"
        );
        if case["cond"].as_f64().is_some_and(|cond| cond < 1e4) {
            assert_close(&q, &matrix(&case, "q"), 10.0 * TIGHT, name);
            assert_close(qr.r(), &matrix(&case, "r"), 10.0 * TIGHT, name);
        }
    }
    Ok(())
}

#[test]
fn svd_agrees_with_numpy() -> Result<(), linalg::LinalgError> {
    for case in golden("factor") {
        let a = matrix(&case, "a");
        let name = name(&case);
        let svd = Svd::new(a.view())?;
        assert_close(svd.singular_values(), &vector(&case, "s"), TIGHT, name);
        assert_eq!(svd.rank() as f64, number(&case, "rank"), "{name}: rank");

        let scale = frobenius(&a).max(f64::MIN_POSITIVE);
        let full = svd.low_rank(svd.singular_values().len())?;
        let residual = frobenius(&(&a - &full)) / scale;
        let numpy = number(&case, "svd_residual");
        assert!(
            residual <= (4.0 * numpy).max(8.0 * EPS),
            "{name}: {residual:e}, numpy {numpy:e}"
        );
        for (q, key) in [
            (svd.u().view(), "u_orthogonality"),
            (svd.vt().t(), "v_orthogonality"),
        ] {
            let defect = orthogonality(q);
            let numpy = number(&case, key);
            assert!(
                defect <= (4.0 * numpy).max(16.0 * EPS),
                "{name}, {key}: {defect:e}, numpy {numpy:e}"
            );
        }

        assert_close(
            &svd.low_rank(1)?,
            &matrix(&case, "low_rank_1"),
            10.0 * TIGHT,
            name,
        );
        match case["cond"].as_f64() {
            None => assert_eq!(svd.condition_number(), f64::INFINITY, "{name}"),
            // past 1/ε the smallest singular value is rounding error
            Some(cond) if cond < 0.1 / EPS => {
                let tolerance = (4.0 * EPS * cond).max(TIGHT);
                assert_number(svd.condition_number(), cond, tolerance, name);
                if cond < 1e8 {
                    let pinv = svd.pseudo_inverse();
                    assert_close(&pinv, &matrix(&case, "pinv"), 10.0 * tolerance, name);
                }
            }
            Some(_) => assert!(svd.condition_number() > 0.1 / EPS, "{name}"),
        }
    }
    Ok(())
}

#[test]
fn pseudo_inverse_of_dependent_columns_agrees_with_scipy() -> Result<(), linalg::LinalgError> {
    let cases = golden("factor");
    let case = cases
        .iter()
        .find(|c| name(c) == "dependent columns")
        .expect("the case");
    let pinv = linalg::pseudo_inverse(matrix(case, "a").view())?;
    assert_close(&pinv, &matrix(case, "pinv"), 10.0 * TIGHT, name(case));
    Ok(())
}

#[test]
fn eigenvalues_agree_with_numpy() -> Result<(), linalg::LinalgError> {
    for case in golden("symmetric") {
        let a = matrix(&case, "a");
        let name = name(&case);
        let eigen = SymmetricEigen::new(a.view())?;
        assert_close(eigen.eigenvalues(), &vector(&case, "values"), TIGHT, name);
        let v = eigen.eigenvectors();
        let residual = frobenius(&(a.dot(v) - v * eigen.eigenvalues())) / frobenius(&a);
        let numpy = number(&case, "residual");
        assert!(
            residual <= (4.0 * numpy).max(8.0 * EPS),
            "{name}: {residual:e}, numpy {numpy:e}"
        );
        let defect = orthogonality(v.view());
        let numpy = number(&case, "orthogonality");
        assert!(
            defect <= (4.0 * numpy).max(8.0 * EPS),
            "{name}: {defect:e}, numpy {numpy:e}"
        );
    }
    Ok(())
}

#[test]
fn cholesky_agrees_with_numpy() -> Result<(), linalg::LinalgError> {
    let mut compared = 0;
    for case in golden("symmetric") {
        let a = matrix(&case, "a");
        let name = name(&case);
        if case.get("cholesky").is_none() {
            let error = Cholesky::new(a.view()).expect_err("numpy finds an eigenvalue below zero");
            assert!(
                matches!(error, linalg::LinalgError::NotPositiveDefinite { .. }),
                "{name}"
            );
            continue;
        }
        let cholesky = Cholesky::new(a.view())?;
        assert_close(cholesky.l(), &matrix(&case, "cholesky"), 1e-10, name);
        let back = cholesky.l().dot(&cholesky.l().t());
        assert_close(&back, &a, TIGHT, name);
        compared += 1;
    }
    assert!(compared >= 2);
    Ok(())
}

#[test]
fn least_squares_is_as_accurate_as_lapack() -> Result<(), linalg::LinalgError> {
    for case in golden("least_squares") {
        let (x, y, exact) = (
            matrix(&case, "x"),
            vector(&case, "y"),
            vector(&case, "exact"),
        );
        let name = name(&case);
        let by_qr = relative_error(&linalg::least_squares(x.view(), y.view())?, &exact);
        let by_svd = relative_error(&Svd::new(x.view())?.solve(y.view())?, &exact);
        let lapack = number(&case, "lstsq_error").max(number(&case, "qr_error"));
        for (method, error) in [("QR", by_qr), ("SVD", by_svd)] {
            assert!(
                error <= (10.0 * lapack).max(10.0 * EPS),
                "{name} by {method}: {error:e}, LAPACK {lapack:e}"
            );
        }
    }
    Ok(())
}

#[test]
fn normal_equations_lose_twice_the_digits() -> Result<(), linalg::LinalgError> {
    let cases = golden("least_squares");
    let case = cases
        .iter()
        .find(|c| name(c) == "hilbert columns")
        .expect("the case");
    let (x, y, exact) = (matrix(case, "x"), vector(case, "y"), vector(case, "exact"));
    let gram = linalg::matmul(x.t(), x.view())?;
    let by_normal = Cholesky::new(gram.view())?.solve(linalg::matvec(x.t(), y.view())?.view())?;
    let normal = relative_error(&by_normal, &exact);
    let qr = relative_error(&linalg::least_squares(x.view(), y.view())?, &exact);
    assert!(normal > 1e3 * qr, "normal equations {normal:e}, QR {qr:e}");
    assert!(normal < 100.0 * number(case, "normal_error"), "{normal:e}");
    Ok(())
}
