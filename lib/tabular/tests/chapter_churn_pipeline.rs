//! The named results of the chapter *Churn pipeline*, computed through the modules alone.
#![cfg(feature = "train")]

mod support;

use display::contract::Notebook;
use foundations::metrics::{CalibrationCurve, Confusion, roc_auc};
use foundations::resampling::Bootstrap;
use ndarray::Array1;
use support::{ALPHA, SEED, costs, pipeline, split, table, test, train};
use tabular::models::{self, Forest, ForestParams};
use tabular::{
    COLUMNS, Customer, Pipeline, churn, encode, judge, leak, schema, selection, standardised,
};

fn notebook() -> Notebook {
    Notebook::open("frameworks/churn-pipeline").expect("the chapter has been run")
}

fn probabilities() -> Array1<f64> {
    pipeline()
        .predict_proba(&test().customers)
        .expect("probabilities")
        .into()
}

fn draws() -> Bootstrap {
    Bootstrap::new(1000, 0.95, SEED)
}

#[test]
fn the_customers() {
    let notebook = notebook();
    notebook.assert("data.customers", table().len());
    let blank = || {
        table()
            .customers
            .iter()
            .filter(|c| c.total_charges.is_none())
    };
    notebook.assert("blank.customers", blank().count());
    notebook.assert(
        "blank.longest",
        blank().map(|c| c.tenure as usize).max().expect("blanks"),
    );
    let raw = schema::scan(&table().path).expect("a scan");
    let known = churn::take(churn::clean(raw), &split().train).expect("rows");
    let rates = churn::rates(known, "contract").expect("rates");
    notebook.assert("rates.monthly", rates[0].left);
    notebook.assert("rates.two_years", rates[2].left);
    notebook.assert("rates.all", train().left.mean().expect("customers"));
}

#[test]
fn the_columns() {
    let notebook = notebook();
    notebook.assert("columns.count", COLUMNS.len());
    let each = table().x.rows().into_iter().zip(&table().customers);
    let apart = each.flat_map(|(row, c)| {
        row.iter()
            .zip(encode(c))
            .map(|(x, s)| (x - s).abs())
            .collect::<Vec<_>>()
    });
    notebook.assert("columns.difference", apart.fold(0.0, f64::max));
}

#[test]
fn the_split() {
    let notebook = notebook();
    notebook.assert("split.train", train().len());
    notebook.assert("split.test", test().len());
    notebook.assert("split.shared", leak::shared(&split()));
}

#[test]
fn the_costs() {
    let (notebook, test, p) = (notebook(), test(), probabilities());
    let bill = |threshold| {
        costs()
            .bill(test.left.view(), p.view(), threshold)
            .expect("a bill")
    };
    notebook.assert("cost.nobody", bill(f64::INFINITY).per_customer);
    notebook.assert("cost.everybody", bill(0.0).per_customer);
    let paying = bill(costs().break_even());
    notebook.assert("cost.paying", paying.per_customer);
    notebook.assert("cost.threshold", costs().break_even());
    notebook.assert("cost.offers", paying.offers as f64 / test.len() as f64);
    let saved = |threshold| {
        judge::saving(costs(), test.left.view(), p.view(), threshold, draws()).expect("an interval")
    };
    let at = saved(costs().break_even());
    notebook.assert("money.saved", at.estimate);
    notebook.assert("money.low", at.lower);
    notebook.assert("money.high", at.upper);
    let pair = [costs().break_even(), 0.5];
    let more = judge::saving_over(costs(), test.left.view(), p.view(), pair, draws())
        .expect("an interval");
    notebook.assert("money.more", bill(0.5).per_customer - paying.per_customer);
    notebook.assert("money.more_low", more.lower);
    notebook.assert("money.more_high", more.upper);
}

#[test]
fn newtons_sixth_step() {
    // Another road than the chapter's: the distance of the fifth iterate from the sixth, each solved for anew as
    // weighted least squares.
    let z = standardised(pipeline().preprocessor(), &train());
    let left = train().left;
    let (n, k) = z.dim();
    let mut a = ndarray::Array2::<f64>::ones((n, k + 1));
    a.slice_mut(ndarray::s![.., 1..]).assign(&z);
    let mut penalty = Array1::from_elem(k + 1, ALPHA);
    penalty[0] = 0.0;
    let mut iterates = vec![Array1::<f64>::zeros(k + 1)];
    for _ in 0..6 {
        let eta = a.dot(&iterates[iterates.len() - 1]);
        let p = eta.mapv(|v| 1.0 / (1.0 + (-v).exp()));
        let w = p.mapv(|p| p * (1.0 - p));
        let response = &eta + &((&left - &p) / &w);
        let weighted = &a * &w.clone().insert_axis(ndarray::Axis(1));
        let h = a.t().dot(&weighted) + ndarray::Array2::from_diag(&penalty);
        let right = weighted.t().dot(&response);
        let cholesky = foundations::linalg::Cholesky::new(h.view()).expect("positive definite");
        iterates.push(cholesky.solve(right.view()).expect("a solution"));
    }
    let step = &iterates[6] - &iterates[5];
    notebook().assert("newton.sixth", step.dot(&step).sqrt());
}

#[test]
fn three_ways() {
    let (notebook, train) = (notebook(), train());
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/churn.json")).expect("JSON");
    let theirs = golden["coef"]
        .as_array()
        .expect("coefficients")
        .iter()
        .map(|v| v.as_f64().expect("a number"));
    let agree = pipeline()
        .coef()
        .iter()
        .zip(theirs)
        .all(|(a, b)| (a - b).abs() < 1e-8);
    notebook.assert("three.agree", agree);
    let z = standardised(pipeline().preprocessor(), &train);
    let linfa = models::linfa(z.view(), train.left.view(), ALPHA).expect("a fit");
    let near = linfa
        .coef
        .iter()
        .zip(pipeline().coef())
        .all(|(a, b)| (a - b).abs() < 1e-6);
    notebook.assert("three.linfa", near);
}

#[test]
fn linfa_models_the_more_frequent_class() {
    use tabular::linfa::{Dataset, traits::Fit};
    let train = train();
    let z = standardised(pipeline().preprocessor(), &train);
    let data = Dataset::new(z, train.left.mapv(|v| v as usize));
    let fit = tabular::linfa_logistic::LogisticRegression::default()
        .alpha(ALPHA)
        .fit(&data)
        .expect("a fit");
    notebook().assert("framework.positive", fit.labels().pos.class);
    notebook().assert("framework.turned", fit.params()[0]);
    assert!((fit.params()[0] + pipeline().coef()[0]).abs() < 1e-3);
}

#[test]
fn the_penalty() {
    let (notebook, train) = (notebook(), train());
    let alphas = [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0];
    let scores = selection::cross_validate(train.x.view(), train.left.view(), &alphas, 5, SEED)
        .expect("scores");
    let best = selection::best(&scores).expect("a best");
    notebook.assert("penalty.alpha", best.alpha);
    notebook.assert("penalty.log_loss", best.log_loss);
    assert_eq!(best.alpha, ALPHA);
    let (more, error) =
        selection::difference(train.x.view(), train.left.view(), [100.0, ALPHA], 5, SEED)
            .expect("a difference");
    notebook.assert("penalty.more", more);
    notebook.assert("penalty.error", error);
    assert!((more - (scores[4].log_loss - best.log_loss)).abs() < 1e-12);
}

#[test]
fn the_scores() {
    let (notebook, train, test, p) = (notebook(), train(), test(), probabilities());
    let at = Confusion::at(test.left.view(), p.view(), costs().break_even()).expect("counts");
    notebook.assert("at.recall", at.recall());
    notebook.assert("at.precision", at.precision());
    notebook.assert("at.accuracy", at.accuracy());
    let usual = Confusion::at(test.left.view(), p.view(), 0.5).expect("counts");
    notebook.assert("at.usual", usual.accuracy());
    notebook.assert("at.never", 1.0 - test.left.mean().expect("customers"));
    // A missed leaver forgoes 0.3 of 650 dollars less the offer of 50, which is what a wasted offer costs.
    notebook.assert("at.ratio", (0.3 * 650.0 - 50.0) / 50.0);
    let scores = judge::scores(test.left.view(), p.view(), draws()).expect("scores");
    notebook.assert("scores.auc", scores[0].estimate);
    notebook.assert("scores.auc_low", scores[0].lower);
    notebook.assert("scores.auc_high", scores[0].upper);
    let curve = CalibrationCurve::new(test.left.view(), p.view(), 10).expect("a curve");
    notebook.assert("calibration.logistic", curve.expected_error());

    let params = ForestParams {
        trees: 60,
        columns: 0.8,
        leaf: 15,
        seed: SEED,
    };
    let forest = Forest::fit(train.x.view(), train.left.view(), params).expect("a forest");
    let votes = forest.predict_proba(test.x.view());
    notebook.assert("forest.trees", forest.len());
    notebook.assert("forest.leaves", forest.leaves());
    notebook.assert(
        "scores.forest_auc",
        roc_auc(test.left.view(), votes.view()).expect("an area"),
    );
    let both = [p.view(), votes.view()];
    let gap = judge::difference(test.left.view(), both, roc_auc, draws()).expect("an interval");
    notebook.assert("scores.gap_low", gap.lower);
    notebook.assert("scores.gap_high", gap.upper);
    let voted = CalibrationCurve::new(test.left.view(), votes.view(), 10).expect("a curve");
    notebook.assert("calibration.votes", voted.expected_error());
    // The alternative text of the figure.
    let above = voted.observed.iter().zip(&voted.predicted);
    assert_eq!(above.filter(|(left, vote)| left >= vote).count(), 9);
    notebook.assert("calibration.mean_vote", votes.mean().expect("customers"));
    notebook.assert(
        "calibration.left",
        test.left.sum() / test.customers.len() as f64,
    );
    let shares = forest
        .with_shares(train.x.view(), train.left.view())
        .predict_proba(test.x.view());
    let shared = CalibrationCurve::new(test.left.view(), shares.view(), 10).expect("a curve");
    notebook.assert("calibration.shares", shared.expected_error());
    notebook.assert("calibration.mean_share", shares.mean().expect("customers"));
    assert!(shared.predicted[0] > shared.observed[0] && shared.predicted[9] < shared.observed[9]);
    let chance = judge::calibration_by_chance(p.view(), 10, 1000, SEED).expect("an interval");
    notebook.assert("calibration.chance_low", chance.lower);
    notebook.assert("calibration.chance_high", chance.upper);
    let logistic = curve.expected_error();
    assert!(
        (chance.lower..chance.upper).contains(&logistic),
        "{chance:?}"
    );
}

#[test]
fn one_customer_who_is_served() {
    let notebook = notebook();
    let answer = pipeline().predict(&Customer::example()).expect("an answer");
    notebook.assert("serving.probability", answer.probability);
    let (test, example) = (test(), Customer::example());
    let place = test.customers.iter().position(|c| *c == example);
    assert_eq!(test.left[place.expect("a test customer")], 1.0);
    notebook.assert("serving.offer", answer.offer);
    let why = pipeline()
        .explain(&Customer::example())
        .expect("an explanation");
    notebook.assert("explain.first", why.contributions[0].field.clone());
    notebook.assert("explain.odds", why.contributions[0].log_odds.exp());
    let newcomer = Customer {
        contract: "Three year".to_owned(),
        ..Customer::example()
    };
    let answer = pipeline().predict(&newcomer).expect("an answer");
    notebook.assert("unseen.probability", answer.probability);
    notebook.assert("unseen.fields", answer.unseen.len());
    let bound = Customer {
        contract: "Two year".to_owned(),
        ..Customer::example()
    };
    let answer = pipeline().predict(&bound).expect("an answer");
    notebook.assert("unseen.two_years", answer.probability);
}

#[test]
fn the_leak() {
    let (notebook, all) = (notebook(), table());
    let deep = ForestParams {
        trees: 15,
        columns: 0.8,
        leaf: 1,
        seed: SEED,
    };
    let area = |train: &tabular::Table, test: &tabular::Table| {
        let forest = Forest::fit(train.x.view(), train.left.view(), deep).expect("a forest");
        roc_auc(test.left.view(), forest.predict_proba(test.x.view()).view()).expect("an area")
    };
    let leaking = leak::oversample_then_split(all.left.view(), 0.25, SEED).expect("a split");
    notebook.assert("leak.shared", leak::shared(&leaking));
    let too_good = area(&all.take(&leaking.train), &all.take(&leaking.test));
    notebook.assert("leak.too_good", too_good);
    let copied = leak::oversampled(all.left.view(), &split().train, SEED);
    let honest = area(&all.take(&copied), &test());
    notebook.assert("leak.honest", honest);
    let plain = area(&train(), &test());
    notebook.assert("leak.plain", plain);
    assert!(plain < honest, "copies help these trees: {plain}, {honest}");
    let judged: std::collections::BTreeSet<_> = leaking.test.iter().collect();
    let judged = judged.into_iter().filter(|&&row| all.left[row] == 1.0);
    notebook.assert("leak.judged", judged.count());

    let shifted =
        tabular::fit(&all.take(&copied), ALPHA, costs().break_even(), SEED).expect("a pipeline");
    let test = test();
    let q: Array1<f64> = shifted
        .predict_proba(&test.customers)
        .expect("probabilities")
        .into();
    notebook.assert("copies.mean", q.mean().expect("customers"));
    notebook.assert(
        "copies.area",
        roc_auc(test.left.view(), q.view()).expect("an area"),
    );
    let bill = costs().bill(test.left.view(), q.view(), costs().break_even());
    let dearer = bill.expect("a bill").per_customer;
    notebook.assert("copies.bill", dearer);
    // The exercise "Undo the copies": with the odds put right, the bill comes back.
    let leavers = train().left.sum();
    let ratio = leavers / (train().len() as f64 - leavers);
    let right = q
        .mapv(|q| q / (1.0 - q) * ratio)
        .mapv(|odds| odds / (1.0 + odds));
    let bill = costs().bill(test.left.view(), right.view(), costs().break_even());
    assert!(bill.expect("a bill").per_customer < dearer - 2.0);
    assert!(too_good > honest + 0.08, "{too_good} against {honest}");
}

#[test]
fn the_file() {
    let folder = support::Folder::new();
    let path = folder.path().join("churn.pipeline");
    pipeline().save(&path).expect("saved");
    let loaded = Pipeline::load(&path).expect("loaded");
    let same = loaded
        .predict_proba(&test().customers)
        .expect("probabilities")
        == probabilities().to_vec();
    notebook().assert("file.same", same);
}
