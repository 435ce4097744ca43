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
    let rates = churn::rates(churn::clean(raw), "contract").expect("rates");
    notebook.assert("rates.monthly", rates[0].left);
    notebook.assert("rates.two_years", rates[2].left);
    notebook.assert("rates.all", table().left.mean().expect("customers"));
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
    notebook.assert("cost.nobody", bill(1.01).per_customer);
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
    notebook.assert("money.half", saved(0.5).estimate);
    notebook.assert("money.thousand", 1000.0 * at.estimate);
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
    notebook.assert("penalty.std_error", best.std_error);
}

#[test]
fn the_scores() {
    let (notebook, train, test, p) = (notebook(), train(), test(), probabilities());
    let at = Confusion::at(test.left.view(), p.view(), costs().break_even()).expect("counts");
    notebook.assert("at.recall", at.recall());
    notebook.assert("at.precision", at.precision());
    notebook.assert("at.accuracy", at.accuracy());
    let scores = judge::scores(test.left.view(), p.view(), draws()).expect("scores");
    notebook.assert("scores.auc", scores[0].estimate);
    notebook.assert("scores.auc_low", scores[0].lower);
    notebook.assert("scores.auc_high", scores[0].upper);
    notebook.assert("scores.log_loss", scores[2].estimate);
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
}

#[test]
fn one_customer_who_is_served() {
    let notebook = notebook();
    let answer = pipeline().predict(&Customer::example()).expect("an answer");
    notebook.assert("serving.probability", answer.probability);
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
