//! The named results of the chapter *Linear regression*, computed through the modules alone.

use datasets::Auto;
use display::contract::Notebook;
use foundations::linear_model::{FittedLinearRegression, LinearRegression, Ridge};
use foundations::metrics::{mse, rmse};
use linfa::traits::Fit;
use ndarray::{Array1, Array2, Axis, array, concatenate};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal};

const FIVE: [&str; 5] = [
    "displacement",
    "horsepower",
    "weight",
    "acceleration",
    "year",
];

fn notebook() -> Notebook {
    Notebook::open("foundations/linear-regression").expect("the chapter has been run")
}

fn auto() -> Auto {
    datasets::auto().expect("the data are in the repository")
}

fn ols(x: &Array2<f64>, y: &Array1<f64>) -> FittedLinearRegression {
    LinearRegression::new().fit(x.view(), y.view()).unwrap()
}

fn power(auto: &Auto) -> Array2<f64> {
    auto.design(&["horsepower"]).unwrap()
}

fn line() -> FittedLinearRegression {
    let auto = auto();
    ols(&power(&auto), &auto.mpg)
}

fn five(auto: &Auto) -> FittedLinearRegression {
    ols(&auto.design(&FIVE).unwrap(), &auto.mpg)
}

fn squares(hp: &Array2<f64>) -> Array2<f64> {
    concatenate![Axis(1), *hp, hp * hp]
}

fn log_features(auto: &Auto) -> Array2<f64> {
    let mut x = auto.design(&FIVE).unwrap();
    for j in 0..4 {
        x.column_mut(j).mapv_inplace(f64::ln);
    }
    x
}

fn logs(auto: &Auto) -> FittedLinearRegression {
    ols(&log_features(auto), &auto.mpg.mapv(f64::ln))
}

fn standardise(x: &Array2<f64>) -> Array2<f64> {
    (x - &x.mean_axis(Axis(0)).unwrap()) / &x.std_axis(Axis(0), 0.0)
}

/// Columns in the units of their mean and standard deviation on some rows.
fn standardise_by(x: &Array2<f64>, rows: &[usize]) -> Array2<f64> {
    let seen = x.select(Axis(0), rows);
    (x - &seen.mean_axis(Axis(0)).unwrap()) / &seen.std_axis(Axis(0), 0.0)
}

fn with_products(z: &Array2<f64>) -> Array2<f64> {
    let k = z.ncols();
    let mut columns: Vec<Array1<f64>> = z.columns().into_iter().map(|c| c.to_owned()).collect();
    for i in 0..k {
        columns.extend((i..k).map(|j| &z.column(i) * &z.column(j)));
    }
    Array2::from_shape_fn((z.nrows(), columns.len()), |(row, j)| columns[j][row])
}

fn split(n: usize, n_first: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut rows: Vec<usize> = (0..n).collect();
    rows.shuffle(&mut StdRng::seed_from_u64(seed));
    let rest = rows.split_off(n_first);
    (rows, rest)
}

fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("golden/linear_model.json")).unwrap()
}

/// Whether each number is that of a list in the golden file, to a share of its size.
fn all_close<'a>(
    got: impl IntoIterator<Item = &'a f64>,
    want: &serde_json::Value,
    relative: f64,
) -> bool {
    let want = want.as_array().unwrap();
    let got: Vec<&f64> = got.into_iter().collect();
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).all(|(got, want)| {
        let want = want.as_f64().unwrap();
        (*got - want).abs() < relative * want.abs()
    })
}

#[test]
fn the_line() {
    let fit = line();
    let interval = fit.confidence_intervals(0.95).unwrap();
    notebook()
        .assert("data.cars", auto().len())
        .assert("line.cost", -fit.coef()[0])
        .assert("line.intercept", fit.intercept())
        .assert("line.r_squared", fit.r_squared())
        .assert("line.s", fit.residual_std_error())
        .assert("line.std_error", fit.std_errors()[1])
        .assert("line.t", fit.t_values()[1])
        .assert("line.cost_low", -interval.upper[1])
        .assert("line.cost_high", -interval.lower[1])
        .assert("line.breusch_pagan_p", fit.breusch_pagan().unwrap().p_value);
}

#[test]
fn the_line_is_that_of_statsmodels() {
    let (fit, golden) = (line(), golden());
    let want = &golden["ols"]["auto_horsepower"];
    let agrees = all_close(fit.params(), &want["params"], 1e-10)
        && all_close(&fit.std_errors(), &want["std_errors"], 1e-10)
        && (fit.r_squared() - want["r_squared"].as_f64().unwrap()).abs() < 1e-10
        && (fit.residual_std_error() - want["residual_std_error"].as_f64().unwrap()).abs() < 1e-9;
    notebook().assert("reference.agrees", agrees);
}

#[test]
fn intervals_at_100_hp() {
    let fit = line();
    let at = array![[100.0]];
    let mean = fit.confidence_interval_mean(at.view(), 0.95).unwrap();
    let new = fit.prediction_interval(at.view(), 0.95).unwrap();
    notebook()
        .assert("at100.mean_low", mean.lower[0])
        .assert("at100.mean_high", mean.upper[0])
        .assert("at100.new_low", new.lower[0])
        .assert("at100.new_high", new.upper[0]);
}

#[test]
fn coverage_of_the_interval() {
    let (fit, x) = (line(), power(&auto()));
    let truth = fit.coef()[0];
    let mut rng = StdRng::seed_from_u64(1970);
    let errors = Normal::new(0.0, fit.residual_std_error()).unwrap();
    let runs = 2_000;
    let (mut covered, mut missed) = (0, 0_usize);
    for run in 0..runs {
        let y = fit
            .fitted_values()
            .mapv(|mean| mean + errors.inverse_cdf(rng.gen_range(1e-12..1.0)));
        let ends = ols(&x, &y).confidence_intervals(0.95).unwrap();
        let holds = ends.lower[1] <= truth && truth <= ends.upper[1];
        covered += usize::from(holds);
        missed += usize::from(!holds && run < 100);
    }
    let share = covered as f64 / runs as f64;
    notebook()
        .assert("coverage.runs", runs)
        .assert("coverage.missed", missed)
        .assert("coverage.share", share);
    // Three standard deviations of a binomial share.
    assert!(
        (share - 0.95).abs() < 3.0 * (0.95_f64 * 0.05 / runs as f64).sqrt(),
        "{share}"
    );
}

#[test]
fn five_features() {
    let fit = five(&auto());
    notebook()
        .assert("many.horsepower", fit.coef()[1])
        .assert("many.horsepower_p", fit.p_values()[2])
        .assert("many.year", fit.coef()[4])
        .assert("many.r_squared", fit.r_squared())
        .assert("many.f", fit.f_statistic())
        .assert("vif.displacement", fit.vif()[0])
        .assert("vif.horsepower", fit.vif()[1])
        .assert("vif.weight", fit.vif()[2]);
}

#[test]
fn what_is_left_of_power_and_economy() {
    let auto = auto();
    let others = auto
        .design(&["displacement", "weight", "acceleration", "year"])
        .unwrap();
    let left = |y: &Array1<f64>| ols(&others, y).residuals().to_owned();
    let slope = ols(
        &left(&auto.horsepower).insert_axis(Axis(1)),
        &left(&auto.mpg),
    )
    .coef()[0];
    notebook().assert("partial.slope", slope);
    assert!((slope - five(&auto).coef()[1]).abs() < 1e-10);
}

#[test]
fn influence_of_single_cars() {
    let (fit, auto) = (line(), auto());
    let cook = fit.cooks_distance();
    let most = (0..auto.len())
        .max_by(|&i, &j| cook[i].total_cmp(&cook[j]))
        .unwrap();
    notebook()
        .assert("influence.car", auto.name[most].as_str())
        .assert("influence.cook", cook[most])
        .assert(
            "influence.mean_leverage",
            fit.leverage().sum() / auto.len() as f64,
        );
}

#[test]
fn bent_models() {
    let auto = auto();
    let hp = power(&auto);
    let quadratic = ols(&squares(&hp), &auto.mpg);
    let log_log = ols(&hp.mapv(f64::ln), &auto.mpg.mapv(f64::ln));
    notebook()
        .assert(
            "quadratic.turn",
            -quadratic.coef()[0] / (2.0 * quadratic.coef()[1]),
        )
        .assert("quadratic.r_squared", quadratic.r_squared())
        .assert("log_log.loss", -log_log.coef()[0])
        .assert(
            "log_log.breusch_pagan_p",
            log_log.breusch_pagan().unwrap().p_value,
        );
}

#[test]
fn logarithms_of_the_features() {
    let fit = logs(&auto());
    let interval = fit.confidence_intervals(0.95).unwrap();
    notebook()
        .assert("logs.elasticity", fit.coef()[1])
        .assert("logs.elasticity_low", interval.lower[2])
        .assert("logs.elasticity_high", interval.upper[2])
        .assert("logs.year", fit.coef()[4].exp() - 1.0)
        .assert("logs.decade", 1.0 - (-10.0 * fit.coef()[4]).exp())
        .assert("logs.r_squared", fit.r_squared())
        .assert("logs.breusch_pagan_p", fit.breusch_pagan().unwrap().p_value);
}

#[test]
fn a_bowl_against_the_year_remains() {
    let auto = auto();
    let bowl = auto.year.mapv(|year| (year - 76.0).powi(2));
    let x = concatenate![Axis(1), log_features(&auto), bowl.insert_axis(Axis(1))];
    let t = ols(&x, &auto.mpg.mapv(f64::ln)).t_values()[6];
    notebook().assert("logs.year_squared_t", t);
    assert!(t > 3.0, "{t}");
}

#[test]
fn without_acceleration() {
    let auto = auto();
    let four = log_features(&auto).select(Axis(1), &[0, 1, 2, 4]);
    let fit = ols(&four, &auto.mpg.mapv(f64::ln));
    notebook()
        .assert("without.elasticity", fit.coef()[1])
        .assert("without.t", fit.t_values()[2]);
    assert!(fit.coef()[1] > logs(&auto).coef()[1]);
}

#[test]
fn the_band_by_power() {
    let (fit, auto) = (line(), auto());
    let band = fit.prediction_interval(power(&auto).view(), 0.95).unwrap();
    let group = |within: &dyn Fn(f64) -> bool| {
        let cars: Vec<usize> = (0..auto.len())
            .filter(|&i| within(auto.horsepower[i]))
            .collect();
        let n = cars.len() as f64;
        let mean = cars.iter().map(|&i| fit.residuals()[i]).sum::<f64>() / n;
        let squares: f64 = cars
            .iter()
            .map(|&i| (fit.residuals()[i] - mean).powi(2))
            .sum();
        let held = cars
            .iter()
            .filter(|&&i| band.lower[i] <= auto.mpg[i] && auto.mpg[i] <= band.upper[i])
            .count();
        ((squares / (n - 1.0)).sqrt(), held as f64 / n)
    };
    let (weak, strong) = (group(&|hp| hp < 70.0), group(&|hp| hp >= 150.0));
    // The first even power at which the band reaches below zero.
    let negative = (23..=115)
        .map(|half| 2.0 * f64::from(half))
        .find(|&hp| {
            let at = array![[hp]];
            fit.prediction_interval(at.view(), 0.95).unwrap().lower[0] < 0.0
        })
        .unwrap();
    notebook()
        .assert("by_power.spread_weak", weak.0)
        .assert("by_power.spread_strong", strong.0)
        .assert("by_power.held_weak", weak.1)
        .assert("by_power.held_strong", strong.1)
        .assert("by_power.negative", negative);
    assert!(weak.0 > strong.0 && weak.1 < 0.95 && strong.1 > 0.95);
}

#[test]
fn the_cost_of_a_horsepower() {
    let auto = auto();
    let mut car = Array2::zeros((2, 5));
    for (j, column) in log_features(&auto).columns().into_iter().enumerate() {
        let mut column = column.to_vec();
        column.sort_by(f64::total_cmp);
        let n = column.len();
        assert_eq!(n % 2, 0);
        car.column_mut(j)
            .fill((column[n / 2 - 1] + column[n / 2]) / 2.0);
    }
    let power: f64 = f64::exp(car[[0, 1]]);
    car[[1, 1]] = (power + 1.0).ln();
    let mpg = logs(&auto).predict(car.view()).unwrap().mapv(f64::exp);
    let litres = mpg.mapv(|mpg| 235.214583 / mpg);
    let alone = ols(&self::power(&auto).mapv(f64::ln), &auto.mpg.mapv(f64::ln))
        .predict(array![[power.ln()], [(power + 1.0).ln()]].view())
        .unwrap()
        .mapv(f64::exp);
    notebook()
        .assert("answer.one_feature", alone[0] - alone[1])
        .assert("answer.power", power)
        .assert("answer.mpg", mpg[0])
        .assert("answer.litres", litres[0])
        .assert("answer.cost_mpg", mpg[0] - mpg[1])
        .assert("answer.cost_litres", litres[1] - litres[0]);
}

#[test]
fn ridge() {
    let auto = auto();
    let z = standardise(&auto.design(&FIVE).unwrap());
    let fit = Ridge::new(10.0).fit(z.view(), auto.mpg.view()).unwrap();
    let golden = golden();
    let want = golden["ridge"]["auto_scaled"]
        .as_array()
        .unwrap()
        .iter()
        .find(|fit| fit["alpha"] == 10.0)
        .unwrap();
    notebook()
        .assert("ridge.agrees", all_close(fit.coef(), &want["coef"], 1e-9))
        .assert("ridge.df", fit.effective_df())
        .assert("ridge.weight", fit.coef()[2]);
}

/// RMSE in mpg on `test` of a fit on `train`.
fn judge(
    x: &Array2<f64>,
    mpg: &Array1<f64>,
    logs: bool,
    (train, test): &(Vec<usize>, Vec<usize>),
) -> f64 {
    let target = if logs { mpg.mapv(f64::ln) } else { mpg.clone() };
    let fit = ols(&x.select(Axis(0), train), &target.select(Axis(0), train));
    let predicted = fit.predict(x.select(Axis(0), test).view()).unwrap();
    let predicted = if logs {
        predicted.mapv(f64::exp)
    } else {
        predicted
    };
    rmse(mpg.select(Axis(0), test).view(), predicted.view()).unwrap()
}

#[test]
fn judgement_on_cars_not_seen() {
    let auto = auto();
    let parts = split(auto.len(), 294, 1982);
    let five = auto.design(&FIVE).unwrap();
    let on_line = judge(&power(&auto), &auto.mpg, false, &parts);
    let hp = power(&auto);
    let on_squares = judge(&squares(&hp), &auto.mpg, false, &parts);
    let on_log_power = judge(&hp.mapv(f64::ln), &auto.mpg, true, &parts);
    let on_five = judge(&five, &auto.mpg, false, &parts);
    let on_logs = judge(&log_features(&auto), &auto.mpg, true, &parts);
    notebook()
        .assert("judge.line", on_line)
        .assert("judge.quadratic", on_squares)
        .assert("judge.log_power", on_log_power)
        .assert("judge.five", on_five)
        .assert("judge.logs", on_logs);
    assert!(on_logs < on_five && on_five < on_line);
    assert!(on_squares < on_log_power);
}

#[test]
fn the_penalty_that_suits_cars_not_seen() {
    let auto = auto();
    let five = auto.design(&FIVE).unwrap();
    let alphas: Vec<f64> = (0..=60)
        .map(|i| 10f64.powf(f64::from(i) / 10.0 - 3.0))
        .collect();
    let mut squared = vec![0.0; alphas.len()];
    let (mut on_five, mut on_logs) = (0.0, 0.0);
    for lot in 0..20 {
        let parts = split(auto.len(), 50, lot);
        let (few, rest) = &parts;
        let wide = standardise_by(&with_products(&standardise_by(&five, few)), few);
        let (x, y) = (wide.select(Axis(0), few), auto.mpg.select(Axis(0), few));
        let path = Ridge::new(0.0).path(x.view(), y.view(), &alphas).unwrap();
        let (unseen, truth) = (wide.select(Axis(0), rest), auto.mpg.select(Axis(0), rest));
        for (sum, fit) in squared.iter_mut().zip(&path) {
            let predicted = fit.predict(unseen.view()).unwrap();
            *sum += mse(truth.view(), predicted.view()).unwrap() / 20.0;
        }
        on_five += judge(&five, &auto.mpg, false, &parts).powi(2) / 20.0;
        on_logs += judge(&log_features(&auto), &auto.mpg, true, &parts).powi(2) / 20.0;
    }
    let (on_five, on_logs) = (on_five.sqrt(), on_logs.sqrt());
    let best = (0..alphas.len())
        .min_by(|&i, &j| squared[i].total_cmp(&squared[j]))
        .unwrap();
    notebook()
        .assert("penalty.best", alphas[best])
        .assert("penalty.least", squared[best].sqrt())
        .assert("penalty.none", squared[0].sqrt())
        .assert("penalty.five", on_five)
        .assert("penalty.logs", on_logs);
    assert!(on_logs < squared[best].sqrt() && squared[best].sqrt() < on_five);
    assert!(
        0 < best && best < alphas.len() - 1,
        "the least error is at an end"
    );
}

#[test]
fn three_ways() {
    let auto = auto();
    let x = auto.design(&FIVE).unwrap();
    let golden = golden();
    let want = &golden["ols"]["auto_many"]["params"];
    let linfa = linfa_linear::LinearRegression::new()
        .fit(&linfa::Dataset::new(x.clone(), auto.mpg.clone()))
        .unwrap();
    let linfa = concatenate![Axis(0), array![linfa.intercept()], *linfa.params()];
    let equal = all_close(five(&auto).params(), want, 1e-9) && all_close(&linfa, want, 1e-9);
    notebook().assert("three_way.equal", equal);
}

#[test]
fn beyond_the_data() {
    let auto = auto();
    let at = array![[300.0]];
    let interval = line().prediction_interval(at.view(), 0.95).unwrap();
    let log_log = ols(&power(&auto).mapv(f64::ln), &auto.mpg.mapv(f64::ln));
    let with_logs = log_log.predict(at.mapv(f64::ln).view()).unwrap()[0].exp();
    notebook()
        .assert("beyond.line", interval.estimate[0])
        .assert("beyond.line_high", interval.upper[0])
        .assert("beyond.logs", with_logs);
    assert!(interval.estimate[0] < 0.0);
}
