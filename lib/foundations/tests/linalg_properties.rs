//! What must hold of every matrix: identities of the factorisations, on matrices of random shape,
//! rank and scale.

use foundations::linalg::{self, Cholesky, LinalgError, Lu, Qr, Svd, SymmetricEigen};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use proptest::prelude::*;

/// Rounding errors of the sizes tested here (up to 8) add up to less than this.
const TOLERANCE: f64 = 1e-13;

fn entries(count: usize) -> impl Strategy<Value = Vec<f64>> {
    // small whole numbers make zeros, ties and dependent columns likely
    let entry = prop_oneof![3 => -10.0..10.0, 1 => (-2..=2).prop_map(f64::from)];
    prop::collection::vec(entry, count)
}

fn of_shape(m: usize, n: usize) -> impl Strategy<Value = Array2<f64>> {
    (entries(m * n), -60..=60, any::<bool>()).prop_map(move |(v, exponent, transposed)| {
        let scale = f64::from(exponent).exp2();
        let v = v.into_iter().map(|x| x * scale).collect();
        if transposed {
            // the same shape with columns contiguous in memory
            let a = Array2::from_shape_vec((n, m), v).expect("m n entries");
            a.reversed_axes()
        } else {
            Array2::from_shape_vec((m, n), v).expect("m n entries")
        }
    })
}

fn any_matrix() -> impl Strategy<Value = Array2<f64>> {
    (1..=8_usize, 1..=8_usize).prop_flat_map(|(m, n)| of_shape(m, n))
}

fn square_matrix() -> impl Strategy<Value = Array2<f64>> {
    (1..=8_usize).prop_flat_map(|n| of_shape(n, n))
}

/// Products of thin factors, so of rank at most 3, with repeated and zero rows.
fn deficient_matrix() -> impl Strategy<Value = Array2<f64>> {
    (1..=8_usize, 1..=8_usize, 1..=3_usize).prop_flat_map(|(m, n, r)| {
        (of_shape(m, r), of_shape(r, n)).prop_map(|(a, b)| {
            let mut product = a.dot(&b);
            product.row_mut(0).fill(0.0);
            product
        })
    })
}

fn size(a: ArrayView2<f64>) -> f64 {
    linalg::frobenius_norm(a).expect("finite")
}

fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    size((a - b).view())
}

/// Whether the columns of `q` are orthonormal.
fn orthonormal(q: ArrayView2<f64>) -> bool {
    distance(&q.t().dot(&q), &Array2::eye(q.ncols())) <= TOLERANCE
}

proptest! {
    #[test]
    fn p_a_is_l_u(a in square_matrix()) {
        let lu = Lu::new(a.view()).unwrap();
        let pa = a.select(Axis(0), lu.permutation());
        prop_assert!(distance(&pa, &lu.l().dot(lu.u())) <= TOLERANCE * size(a.view()));
        prop_assert_eq!(lu.p().dot(&a), pa);
        for ((i, j), &v) in lu.l().indexed_iter() {
            let fits = if i == j { v == 1.0 } else if i < j { v == 0.0 } else { v.abs() <= 1.0 };
            prop_assert!(fits, "l[{}, {}] = {}", i, j, v);
        }
        for ((i, j), &v) in lu.u().indexed_iter() {
            prop_assert!(i <= j || v == 0.0, "u[{}, {}] = {}", i, j, v);
        }
    }

    #[test]
    fn pivots_and_determinant_agree(a in square_matrix()) {
        let lu = Lu::new(a.view()).unwrap();
        let (sign, log) = lu.log_determinant();
        let det = lu.determinant();
        if sign == 0.0 {
            prop_assert_eq!(det, 0.0);
            let b = Array1::ones(a.nrows());
            let pivot = lu.u().diag().iter().rposition(|&p| p == 0.0).unwrap();
            // back substitution meets the last zero pivot first
            prop_assert_eq!(
                lu.solve(b.view()).unwrap_err(),
                LinalgError::Singular { op: "Lu::solve", pivot }
            );
        } else {
            prop_assert!((det / (sign * log.exp()) - 1.0).abs() < 1e-11);
        }
        // the determinant changes sign with a swap of two rows, and stays with a transposition
        if a.nrows() > 1 {
            let mut order: Vec<usize> = (0..a.nrows()).collect();
            order.swap(0, 1);
            let swapped = linalg::determinant(a.select(Axis(0), &order).view()).unwrap();
            let turned = linalg::determinant(a.t()).unwrap();
            let bound = 1e-11 * a.rows().into_iter()
                .map(|r| linalg::norm_2(r).unwrap()).product::<f64>();
            prop_assert!((swapped + det).abs() <= bound, "{} {}", swapped, det);
            prop_assert!((turned - det).abs() <= bound, "{} {}", turned, det);
        }
    }

    #[test]
    fn the_solution_has_a_small_residual(a in square_matrix(), b in entries(8)) {
        let b = Array1::from(b[..a.nrows()].to_vec());
        match linalg::solve(a.view(), b.view()) {
            Ok(x) => {
                let left = linalg::matvec(a.view(), x.view()).unwrap() - &b;
                let scale = size(a.view()) * linalg::norm_2(x.view()).unwrap();
                prop_assert!(linalg::norm_2(left.view()).unwrap() <= TOLERANCE * scale);
            }
            Err(LinalgError::Singular { .. }) => prop_assert_eq!(
                linalg::determinant(a.view()).unwrap(), 0.0
            ),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn a_is_q_r(a in any_matrix()) {
        let qr = Qr::new(a.view()).unwrap();
        let q = qr.q();
        let k = a.nrows().min(a.ncols());
        prop_assert_eq!(q.dim(), (a.nrows(), k));
        prop_assert_eq!(qr.r().dim(), (k, a.ncols()));
        prop_assert!(distance(&a, &q.dot(qr.r())) <= TOLERANCE * size(a.view()));
        prop_assert!(orthonormal(q.view()));
        for ((i, j), &v) in qr.r().indexed_iter() {
            prop_assert!(i <= j || v == 0.0, "r[{}, {}] = {}", i, j, v);
        }
    }

    #[test]
    fn the_transposed_reflections_are_q_transposed(a in any_matrix(), b in entries(8)) {
        let b = Array1::from(b[..a.nrows()].to_vec());
        let qr = Qr::new(a.view()).unwrap();
        let c = qr.transpose_apply(b.view()).unwrap();
        let length = linalg::norm_2(b.view()).unwrap();
        prop_assert!((linalg::norm_2(c.view()).unwrap() - length).abs() <= TOLERANCE * length);
        let by_q = qr.q().t().dot(&b);
        for (x, y) in c.iter().zip(&by_q) {
            prop_assert!((x - y).abs() <= TOLERANCE * length.max(1.0));
        }
    }

    #[test]
    fn the_least_squares_residual_is_orthogonal_to_the_columns(
        a in (1..=4_usize).prop_flat_map(|n| of_shape(n + 4, n)),
        b in entries(8),
    ) {
        let b = Array1::from(b[..a.nrows()].to_vec());
        if let Ok(x) = linalg::least_squares(a.view(), b.view()) {
            let r = &b - &a.dot(&x);
            let scale = size(a.view())
                * (linalg::norm_2(b.view()).unwrap()
                    + size(a.view()) * linalg::norm_2(x.view()).unwrap());
            let normal = a.t().dot(&r);
            prop_assert!(linalg::norm_2(normal.view()).unwrap() <= TOLERANCE * scale);
        } else {
            // refused: then a column depends on the others
            prop_assert!(linalg::condition_number(a.view()).unwrap() > 1e12);
        }
    }

    #[test]
    fn a_is_u_s_vt(a in prop_oneof![any_matrix(), deficient_matrix()]) {
        let svd = Svd::new(a.view()).unwrap();
        let s = svd.singular_values();
        let back = (svd.u() * s).dot(svd.vt());
        prop_assert!(distance(&a, &back) <= TOLERANCE * size(a.view()));
        prop_assert!(orthonormal(svd.u().view()), "U: {}", svd.u());
        prop_assert!(orthonormal(svd.vt().t()), "Vt: {}", svd.vt());
        prop_assert!(s.iter().all(|&v| v >= 0.0));
        prop_assert!(s.windows(2).into_iter().all(|w| w[0] >= w[1]));
        prop_assert!(svd.rank() <= s.len());
        let frobenius = linalg::norm_2(s.view()).unwrap();
        prop_assert!((frobenius - size(a.view())).abs() <= TOLERANCE * frobenius);
    }

    #[test]
    fn singular_values_do_not_depend_on_side(a in any_matrix()) {
        let s = Svd::new(a.view()).unwrap();
        let t = Svd::new(a.t()).unwrap();
        for (x, y) in s.singular_values().iter().zip(t.singular_values()) {
            prop_assert!((x - y).abs() <= TOLERANCE * s.singular_values()[0]);
        }
    }

    #[test]
    fn the_error_of_a_low_rank_is_the_next_singular_value(a in any_matrix(), r in 0..8_usize) {
        let svd = Svd::new(a.view()).unwrap();
        let s = svd.singular_values();
        let r = r.min(s.len() - 1);
        let left = &a - &svd.low_rank(r).unwrap();
        let spectral = linalg::spectral_norm(left.view()).unwrap();
        prop_assert!((spectral - s[r]).abs() <= TOLERANCE * s[0]);
        let tail = linalg::norm_2(s.slice(ndarray::s![r..])).unwrap();
        prop_assert!((size(left.view()) - tail).abs() <= TOLERANCE * s[0]);
    }

    #[test]
    fn no_other_matrix_of_that_rank_is_nearer(
        a in of_shape(5, 4), u in of_shape(5, 2), v in of_shape(2, 4)
    ) {
        let best = distance(&a, &linalg::low_rank(a.view(), 2).unwrap());
        // the rival: the best combination of the columns of u, so a matrix of rank 2 at most
        let q = Qr::new(u.view()).unwrap().q();
        let projected = q.dot(&q.t().dot(&a));
        prop_assert!(best <= distance(&a, &projected) + TOLERANCE * size(a.view()));
        prop_assert!(best <= distance(&a, &u.dot(&v)) + TOLERANCE * size(a.view()));
    }

    #[test]
    fn penrose_holds(a in prop_oneof![any_matrix(), deficient_matrix()]) {
        let svd = Svd::new(a.view()).unwrap();
        let s = svd.singular_values();
        let kept = svd.rank();
        // rank decisions near the cut are a matter of taste: test where they are not
        prop_assume!(kept == 0 || s[0] / s[kept - 1] < 1e6);
        let p = svd.pseudo_inverse();
        let (n, pn) = (size(a.view()), size(p.view()));
        prop_assert!(distance(&a, &a.dot(&p).dot(&a)) <= 1e-8 * n);
        prop_assert!(distance(&p, &p.dot(&a).dot(&p)) <= 1e-8 * pn);
        for product in [a.dot(&p), p.dot(&a)] {
            prop_assert!(distance(&product, &product.t().to_owned()) <= 1e-8);
        }
    }

    #[test]
    fn a_symmetric_matrix_is_v_lambda_vt(a in square_matrix()) {
        let a = &a + &a.t();
        let eigen = SymmetricEigen::new(a.view()).unwrap();
        let (values, v) = (eigen.eigenvalues(), eigen.eigenvectors());
        let back = (v * values).dot(&v.t());
        prop_assert!(distance(&a, &back) <= TOLERANCE * size(a.view()));
        prop_assert!(orthonormal(v.view()));
        prop_assert!(values.windows(2).into_iter().all(|w| w[0] >= w[1]));
        prop_assert!((values.sum() - a.diag().sum()).abs() <= TOLERANCE * size(a.view()));
        // |λ| are the singular values
        let mut sizes: Vec<f64> = values.iter().map(|x| x.abs()).collect();
        sizes.sort_by(|x, y| y.total_cmp(x));
        for (x, y) in sizes.iter().zip(Svd::new(a.view()).unwrap().singular_values()) {
            prop_assert!((x - y).abs() <= TOLERANCE * size(a.view()));
        }
    }

    #[test]
    fn a_positive_definite_matrix_is_l_lt(x in (1..=6_usize).prop_flat_map(|n| of_shape(n + 2, n))) {
        let mut a = x.t().dot(&x);
        let lift = 1e-3 * size(a.view()) + f64::MIN_POSITIVE;
        a.diag_mut().mapv_inplace(|d| d + lift);
        let c = Cholesky::new(a.view()).unwrap();
        prop_assert!(distance(&a, &c.l().dot(&c.l().t())) <= TOLERANCE * size(a.view()));
        prop_assert!(c.l().diag().iter().all(|&d| d > 0.0));
        let (sign, log) = Lu::new(a.view()).unwrap().log_determinant();
        prop_assert_eq!(sign, 1.0);
        prop_assert!((c.log_determinant() - log).abs() <= 1e-9);
        let b = Array1::ones(a.nrows());
        let by_lu = linalg::solve(a.view(), b.view()).unwrap();
        let difference = c.solve(b.view()).unwrap() - &by_lu;
        prop_assert!(
            linalg::norm_2(difference.view()).unwrap()
                <= 1e-9 * linalg::norm_2(by_lu.view()).unwrap()
        );
    }

    #[test]
    fn an_indefinite_matrix_has_no_cholesky(a in square_matrix(), at in 0..8_usize) {
        let mut a = &a + &a.t();
        let at = at % a.nrows();
        a[[at, at]] = -1.0 - size(a.view()); // then e_atᵀ A e_at < 0
        let error = Cholesky::new(a.view()).unwrap_err();
        let fails_by_then = matches!(
            error,
            LinalgError::NotPositiveDefinite { pivot, value, .. } if pivot <= at && value <= 0.0
        );
        prop_assert!(fails_by_then, "{}", error);
    }

    #[test]
    fn a_product_is_associative_and_turns_round(
        a in of_shape(3, 5), b in of_shape(5, 2), x in entries(2)
    ) {
        let x = Array1::from(x);
        let ab = linalg::matmul(a.view(), b.view()).unwrap();
        let left = linalg::matvec(ab.view(), x.view()).unwrap();
        let bx = linalg::matvec(b.view(), x.view()).unwrap();
        let right = linalg::matvec(a.view(), bx.view()).unwrap();
        let scale = size(a.view()) * size(b.view()) * linalg::norm_2(x.view()).unwrap();
        prop_assert!(linalg::norm_2((left - right).view()).unwrap() <= TOLERANCE * scale);
        let turned = linalg::matmul(b.t(), a.t()).unwrap();
        prop_assert_eq!(turned.t(), ab);
    }

    #[test]
    fn norms_are_ordered(x in entries(6), y in entries(6), p in 1.0..6.0_f64) {
        let (x, y) = (Array1::from(x), Array1::from(y));
        let norm = |v: &Array1<f64>| linalg::norm_p(v.view(), p).unwrap();
        prop_assert!(norm(&(&x + &y)) <= norm(&x) + norm(&y) + 1e-12);
        prop_assert!((norm(&(&x * -3.0)) - 3.0 * norm(&x)).abs() <= 1e-12 * norm(&x));
        let (one, two, inf) = (
            linalg::norm_1(x.view()).unwrap(),
            linalg::norm_2(x.view()).unwrap(),
            linalg::norm_inf(x.view()).unwrap(),
        );
        let slack = 1.0 + 1e-14;
        prop_assert!(inf <= two * slack && two <= one * slack && one <= 6.0 * inf * slack);
        prop_assert!((norm(&x) <= one * slack) && (inf <= norm(&x) * slack));
        // Cauchy and Schwarz
        let product = linalg::dot(x.view(), y.view()).unwrap().abs();
        prop_assert!(product <= two * linalg::norm_2(y.view()).unwrap() * slack);
    }

    #[test]
    fn matrix_norms_bound_the_stretch(a in any_matrix(), x in entries(8)) {
        let x = Array1::from(x[..a.ncols()].to_vec());
        let ax = linalg::matvec(a.view(), x.view()).unwrap();
        let slack = 1.0 + 1e-13;
        let pairs = [
            (linalg::norm_1(ax.view()), linalg::matrix_norm_1(a.view()), linalg::norm_1(x.view())),
            (linalg::norm_2(ax.view()), linalg::spectral_norm(a.view()), linalg::norm_2(x.view())),
            (
                linalg::norm_inf(ax.view()),
                linalg::matrix_norm_inf(a.view()),
                linalg::norm_inf(x.view()),
            ),
        ];
        for (stretched, norm, length) in pairs {
            prop_assert!(stretched.unwrap() <= norm.unwrap() * length.unwrap() * slack);
        }
    }
}

#[test]
fn tiny_and_huge_matrices_keep_their_digits() -> Result<(), LinalgError> {
    let base = ndarray::array![[3.0, 1.0, 0.5], [1.0, -2.0, 0.25], [0.5, 0.25, 1.0]];
    let (svd, eigen) = (Svd::new(base.view())?, SymmetricEigen::new(base.view())?);
    for scale in [
        2f64.powi(-900),
        2f64.powi(-300),
        2f64.powi(300),
        2f64.powi(900),
    ] {
        let scaled = &base * scale;
        for (x, y) in Svd::new(scaled.view())?
            .singular_values()
            .iter()
            .zip(svd.singular_values())
        {
            assert!((x / scale / y - 1.0).abs() < 1e-14, "{scale:e}: {x:e}");
        }
        let values = SymmetricEigen::new(scaled.view())?;
        for (x, y) in values.eigenvalues().iter().zip(eigen.eigenvalues()) {
            assert!((x / scale / y - 1.0).abs() < 1e-14, "{scale:e}: {x:e}");
        }
        let b = base.row(0).to_owned() * scale;
        let x = linalg::solve(scaled.view(), b.view())?;
        assert!(
            (x[0] - 1.0).abs() < 1e-14 && x[1].abs() < 1e-14,
            "{scale:e}: {x}"
        );
        let x = linalg::least_squares(scaled.view(), b.view())?;
        assert!(
            (x[0] - 1.0).abs() < 1e-14 && x[1].abs() < 1e-14,
            "{scale:e}: {x}"
        );
    }
    Ok(())
}

#[test]
fn small_singular_values_of_a_graded_matrix_are_accurate() -> Result<(), LinalgError> {
    // diag(1, 1e-8, 1e-16, 1e-24) times an orthogonal matrix: the values are known, and most lie
    // below ε σ₁, where a bidiagonalisation would return noise
    let h = ndarray::array![
        [0.5, 0.5, 0.5, 0.5],
        [0.5, -0.5, 0.5, -0.5],
        [0.5, 0.5, -0.5, -0.5],
        [0.5, -0.5, -0.5, 0.5]
    ];
    let d = ndarray::array![1.0, 1e-8, 1e-16, 1e-24];
    let svd = Svd::new((&h * &d).view())?;
    for (got, want) in svd.singular_values().iter().zip(&d) {
        assert!((got / want - 1.0).abs() < 1e-14, "{got:e} {want:e}");
    }
    Ok(())
}

#[test]
fn larger_matrices_converge() -> Result<(), LinalgError> {
    let n = 60;
    let a = Array2::from_shape_fn((n, n), |(i, j)| {
        ((i * 7 + j * 13) % 17) as f64 - (i == j) as u8 as f64
    });
    let svd = Svd::new(a.view())?;
    let back = svd.low_rank(n)?;
    assert!(distance(&a, &back) <= 1e-13 * size(a.view()));
    assert!(distance(&svd.u().t().dot(svd.u()), &Array2::eye(n)) <= 1e-12);
    let eigen = SymmetricEigen::new((&a + &a.t()).view())?;
    let v = eigen.eigenvectors();
    assert!(distance(&v.t().dot(v), &Array2::eye(n)) <= 1e-12);
    Ok(())
}
