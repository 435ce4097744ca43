//! Every error of `linalg`, with its place and its message.

use foundations::linalg::{self, Cholesky, LinalgError, Lu, Qr, Svd, SymmetricEigen};
use ndarray::{Array1, Array2, array};

type Check = (&'static str, fn(&Array2<f64>) -> Option<LinalgError>);

/// Every function that takes a matrix.
const OF_A_MATRIX: [Check; 15] = [
    ("Lu::new", |a| Lu::new(a.view()).err()),
    ("Lu::new", |a| linalg::determinant(a.view()).err()),
    ("Lu::new", |a| linalg::inverse(a.view()).err()),
    ("Cholesky::new", |a| Cholesky::new(a.view()).err()),
    ("Qr::new", |a| Qr::new(a.view()).err()),
    ("SymmetricEigen::new", |a| {
        SymmetricEigen::new(a.view()).err()
    }),
    ("Svd::new", |a| Svd::new(a.view()).err()),
    ("Svd::new", |a| linalg::rank(a.view()).err()),
    ("Svd::new", |a| linalg::low_rank(a.view(), 0).err()),
    ("Svd::new", |a| linalg::pseudo_inverse(a.view()).err()),
    ("Svd::new", |a| linalg::condition_number(a.view()).err()),
    ("spectral_norm", |a| linalg::spectral_norm(a.view()).err()),
    ("frobenius_norm", |a| linalg::frobenius_norm(a.view()).err()),
    ("matrix_norm_1", |a| linalg::matrix_norm_1(a.view()).err()),
    ("matrix_norm_inf", |a| {
        linalg::matrix_norm_inf(a.view()).err()
    }),
];

#[test]
fn nan_and_infinity_are_named_with_their_place() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for (op, call) in OF_A_MATRIX {
            let mut a = Array2::eye(3);
            a[[1, 2]] = bad;
            match call(&a) {
                Some(LinalgError::NotFinite {
                    op: named,
                    row: 1,
                    col: 2,
                    value,
                }) => {
                    assert_eq!(named, op);
                    assert!(value.is_nan() == bad.is_nan() && (bad.is_nan() || value == bad));
                }
                other => panic!("{op} on {bad}: {other:?}"),
            }
        }
    }
    let message = Lu::new(array![[1.0, f64::NAN], [0.0, 1.0]].view())
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "Lu::new: entry (0, 1) is NaN, expected a finite number"
    );
}

#[test]
fn nan_in_a_vector_is_named_with_its_place() -> Result<(), LinalgError> {
    let good = array![1.0, 2.0];
    let bad = array![1.0, f64::NAN];
    let a: Array2<f64> = array![[2.0, 1.0], [1.0, 3.0]];
    let (lu, cholesky, qr, svd) = (
        Lu::new(a.view())?,
        Cholesky::new(a.view())?,
        Qr::new(a.view())?,
        Svd::new(a.view())?,
    );
    let errors = [
        linalg::norm_1(bad.view()).err(),
        linalg::norm_2(bad.view()).err(),
        linalg::norm_inf(bad.view()).err(),
        linalg::norm_p(bad.view(), 3.0).err(),
        linalg::dot(bad.view(), good.view()).err(),
        linalg::dot(good.view(), bad.view()).err(),
        linalg::matvec(a.view(), bad.view()).err(),
        linalg::outer(bad.view(), good.view()).err(),
        linalg::outer(good.view(), bad.view()).err(),
        linalg::solve_lower(a.view(), bad.view()).err(),
        linalg::solve_upper(a.view(), bad.view()).err(),
        linalg::solve(a.view(), bad.view()).err(),
        linalg::least_squares(a.view(), bad.view()).err(),
        lu.solve(bad.view()).err(),
        cholesky.solve(bad.view()).err(),
        qr.solve(bad.view()).err(),
        qr.transpose_apply(bad.view()).err(),
        svd.solve(bad.view()).err(),
    ];
    for (i, error) in errors.into_iter().enumerate() {
        assert!(
            matches!(error, Some(LinalgError::NotFinite { row: 1, col: 0, .. })),
            "call {i}: {error:?}"
        );
    }
    let bad_columns = array![[1.0, 0.0], [0.0, f64::INFINITY]];
    for error in [
        lu.solve_matrix(bad_columns.view()),
        cholesky.solve_matrix(bad_columns.view()),
    ] {
        assert!(
            matches!(error, Err(LinalgError::NotFinite { row: 1, col: 1, .. })),
            "{error:?}"
        );
    }
    Ok(())
}

#[test]
fn an_empty_matrix_has_no_factors() {
    for shape in [(0, 0), (0, 3), (3, 0)] {
        let a = Array2::<f64>::zeros(shape);
        for error in [
            Qr::new(a.view()).err(),
            Svd::new(a.view()).err(),
            linalg::spectral_norm(a.view()).err(),
        ] {
            assert!(
                matches!(error, Some(LinalgError::Empty { .. })),
                "{shape:?}: {error:?}"
            );
        }
    }
    let a = Array2::<f64>::zeros((0, 0));
    for error in [
        Lu::new(a.view()).err(),
        Cholesky::new(a.view()).err(),
        SymmetricEigen::new(a.view()).err(),
    ] {
        assert!(
            matches!(error, Some(LinalgError::Empty { .. })),
            "{error:?}"
        );
    }
    // sums over nothing are 0
    assert_eq!(linalg::frobenius_norm(a.view()), Ok(0.0));
    assert_eq!(linalg::norm_2(Array1::zeros(0).view()), Ok(0.0));
    assert_eq!(linalg::norm_p(Array1::zeros(0).view(), 3.0), Ok(0.0));
    let product = linalg::matmul(Array2::zeros((2, 0)).view(), Array2::zeros((0, 3)).view());
    assert_eq!(product, Ok(Array2::zeros((2, 3))));
}

#[test]
fn a_matrix_that_must_be_square_is_square() {
    let a = Array2::<f64>::zeros((2, 3));
    for (op, error) in [
        ("Lu::new", Lu::new(a.view()).err()),
        ("Cholesky::new", Cholesky::new(a.view()).err()),
        ("SymmetricEigen::new", SymmetricEigen::new(a.view()).err()),
        (
            "solve_lower",
            linalg::solve_lower(a.view(), array![1.0, 2.0].view()).err(),
        ),
        (
            "solve_upper",
            linalg::solve_upper(a.view(), array![1.0, 2.0].view()).err(),
        ),
    ] {
        assert_eq!(
            error,
            Some(LinalgError::NotSquare {
                op,
                rows: 2,
                cols: 3
            })
        );
    }
}

#[test]
fn shapes_that_do_not_fit_are_both_named() -> Result<(), LinalgError> {
    let two = array![1.0, 2.0];
    let three = array![1.0, 2.0, 3.0];
    let a: Array2<f64> = array![[2.0, 1.0], [1.0, 3.0]];
    let wrong = Array2::<f64>::zeros((3, 2));
    let vector = |op| LinalgError::ShapeMismatch {
        op,
        expected: vec![2],
        got: vec![3],
    };
    let matrix = |op| LinalgError::ShapeMismatch {
        op,
        expected: vec![2, 2],
        got: vec![3, 2],
    };
    let svd = Svd::new(a.view())?;
    let cholesky = Cholesky::new(a.view())?;
    assert_eq!(linalg::dot(two.view(), three.view()), Err(vector("dot")));
    assert_eq!(
        linalg::matvec(a.view(), three.view()),
        Err(vector("matvec"))
    );
    assert_eq!(
        linalg::matmul(a.view(), wrong.view()),
        Err(matrix("matmul"))
    );
    assert_eq!(
        linalg::solve(a.view(), three.view()),
        Err(vector("Lu::solve"))
    );
    assert_eq!(
        Lu::new(a.view())?.solve_matrix(wrong.view()),
        Err(matrix("Lu::solve_matrix"))
    );
    assert_eq!(cholesky.solve(three.view()), Err(vector("Cholesky::solve")));
    assert_eq!(
        cholesky.solve_matrix(wrong.view()),
        Err(matrix("Cholesky::solve_matrix"))
    );
    assert_eq!(
        linalg::least_squares(a.view(), three.view()),
        Err(vector("Qr::solve"))
    );
    assert_eq!(
        Qr::new(a.view())?.transpose_apply(three.view()),
        Err(vector("Qr::transpose_apply"))
    );
    assert_eq!(svd.solve(three.view()), Err(vector("Svd::solve")));
    assert_eq!(
        linalg::solve_lower(a.view(), three.view()),
        Err(vector("solve_lower"))
    );
    assert_eq!(
        linalg::solve_upper(a.view(), three.view()),
        Err(vector("solve_upper"))
    );
    assert_eq!(
        matrix("matmul").to_string(),
        "matmul: expected shape [2, 2], got [3, 2]"
    );
    Ok(())
}

#[test]
fn a_singular_system_names_its_pivot() -> Result<(), LinalgError> {
    let a = array![[1.0, 2.0], [2.0, 4.0]];
    let lu = Lu::new(a.view())?;
    assert_eq!(lu.determinant(), 0.0);
    assert_eq!(lu.log_determinant(), (0.0, f64::NEG_INFINITY));
    let singular = LinalgError::Singular {
        op: "Lu::solve",
        pivot: 1,
    };
    assert_eq!(lu.solve(array![1.0, 1.0].view()), Err(singular.clone()));
    assert_eq!(linalg::inverse(a.view()), Err(singular.clone()));
    assert_eq!(
        singular.to_string(),
        "Lu::solve: pivot 1 is zero, the matrix is singular"
    );
    assert_eq!(
        linalg::solve_upper(
            array![[1.0, 1.0], [0.0, 0.0]].view(),
            array![1.0, 1.0].view()
        ),
        Err(LinalgError::Singular {
            op: "solve_upper",
            pivot: 1
        })
    );
    assert_eq!(
        linalg::solve_lower(
            array![[0.0, 0.0], [1.0, 1.0]].view(),
            array![1.0, 1.0].view()
        ),
        Err(LinalgError::Singular {
            op: "solve_lower",
            pivot: 0
        })
    );
    // a zero column in front: nothing to eliminate, and the rest is factorised all the same
    let lu = Lu::new(array![[0.0, 1.0], [0.0, 2.0]].view())?;
    assert_eq!(lu.determinant(), 0.0);
    Ok(())
}

#[test]
fn least_squares_names_the_dependent_column() {
    // column 2 = 3 column 0 - column 1, up to rounding
    let a = Array2::from_shape_fn((7, 3), |(i, j)| {
        let (x, y) = ((i as f64).sin(), (0.1 * i as f64).exp());
        [x, y, 3.0 * x - y][j]
    });
    let error = linalg::least_squares(a.view(), Array1::ones(7).view());
    assert_eq!(
        error,
        Err(LinalgError::Singular {
            op: "Qr::solve",
            pivot: 2
        })
    );
    // the scale of a column does not matter
    let mut scaled = a.select(ndarray::Axis(1), &[0, 1]);
    scaled.column_mut(1).mapv_inplace(|v| v * 1e-200);
    assert!(linalg::least_squares(scaled.view(), Array1::ones(7).view()).is_ok());

    let wide = Array2::<f64>::eye(3).slice_move(ndarray::s![..2, ..]);
    let error = linalg::least_squares(wide.view(), array![1.0, 2.0].view()).unwrap_err();
    assert_eq!(
        error,
        LinalgError::Underdetermined {
            op: "Qr::solve",
            rows: 2,
            cols: 3
        }
    );
    assert_eq!(
        error.to_string(),
        "Qr::solve: expected at least as many rows as columns, got 2 x 3"
    );
}

#[test]
fn cholesky_says_why_it_failed() {
    let indefinite = array![[1.0, 2.0], [2.0, 1.0]];
    let error = Cholesky::new(indefinite.view()).unwrap_err();
    assert_eq!(
        error,
        LinalgError::NotPositiveDefinite {
            op: "Cholesky::new",
            pivot: 1,
            value: -3.0
        }
    );
    assert_eq!(
        error.to_string(),
        "Cholesky::new: pivot 1 is -3.000e0, the matrix is not positive definite"
    );
    let lopsided = array![[4.0, 1.0], [1.5, 3.0]];
    for (op, error) in [
        ("Cholesky::new", Cholesky::new(lopsided.view()).err()),
        (
            "SymmetricEigen::new",
            SymmetricEigen::new(lopsided.view()).err(),
        ),
    ] {
        assert_eq!(
            error,
            Some(LinalgError::NotSymmetric {
                op,
                row: 1,
                col: 0,
                difference: 0.5
            })
        );
    }
    // a last-bit difference, as a product XᵀX may have, passes
    assert!(Cholesky::new(array![[4.0, 1.0], [1.0 + f64::EPSILON, 3.0]].view()).is_ok());
}

#[test]
fn parameters_are_checked() -> Result<(), LinalgError> {
    let x = array![1.0, 2.0];
    for p in [0.5, -1.0, f64::NAN, f64::NEG_INFINITY] {
        assert!(
            matches!(
                linalg::norm_p(x.view(), p),
                Err(LinalgError::Parameter { name: "p", .. })
            ),
            "{p}"
        );
    }
    assert_eq!(linalg::norm_p(x.view(), f64::INFINITY), Ok(2.0));
    let svd = Svd::new(Array2::eye(2).view())?;
    assert_eq!(
        svd.low_rank(3).unwrap_err().to_string(),
        "Svd::low_rank: rank is 3, expected at most min(rows, columns)"
    );
    assert_eq!(svd.low_rank(0)?, Array2::<f64>::zeros((2, 2)));
    Ok(())
}

#[test]
fn the_zero_matrix_has_rank_zero_and_orthonormal_factors() -> Result<(), LinalgError> {
    let svd = Svd::new(Array2::zeros((4, 2)).view())?;
    assert_eq!(svd.rank(), 0);
    assert_eq!(svd.condition_number(), f64::INFINITY);
    assert_eq!(svd.pseudo_inverse(), Array2::<f64>::zeros((2, 4)));
    assert_eq!(svd.solve(Array1::ones(4).view())?, Array1::<f64>::zeros(2));
    assert_eq!(svd.u().t().dot(svd.u()), Array2::<f64>::eye(2));
    assert_eq!(svd.vt().dot(&svd.vt().t()), Array2::<f64>::eye(2));
    Ok(())
}

#[test]
fn models_can_move_between_threads() {
    fn send_and_sync<T: Send + Sync + 'static>() {}
    send_and_sync::<(Lu, Cholesky, Qr, SymmetricEigen, Svd, LinalgError)>();
}
