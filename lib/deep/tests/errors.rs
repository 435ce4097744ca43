//! Input that does not fit, with its place and its message.

use candle_core::{DType, Tensor};
use deep::cnn::{Cnn, CnnConfig, max_pool};
use deep::data::{Augment, Digits, batches, split};
use deep::evaluate::Evaluation;
use deep::train::{TrainConfig, Trainer};
use deep::{DeepError, device};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn message<T: std::fmt::Debug>(result: Result<T, DeepError>) -> String {
    result.unwrap_err().to_string()
}

fn blank(n: usize) -> Digits {
    Digits::new(Array2::zeros((n, 784)).view(), &vec![0; n]).unwrap()
}

#[test]
fn pixels_labels_and_shapes_are_checked() {
    let mut images = Array2::zeros((2, 784));
    assert_eq!(
        message(Digits::new(images.view(), &[1, 2, 3])),
        "Digits::new: images has shape [2, 784], expected [3, 784]"
    );
    assert_eq!(
        message(Digits::new(images.view(), &[9, 10])),
        "Digits::new: label 1 is 10, expected a digit from 0 to 9"
    );
    images[[1, 300]] = f64::NAN;
    assert_eq!(
        message(Digits::new(images.view(), &[1, 2])),
        "Digits::new: pixel 300 of image 1 is NaN, expected a number from 0 to 1"
    );
    images[[1, 300]] = 255.0; // grey levels that nobody divided
    assert!(
        message(Digits::new(images.view(), &[1, 2]))
            .contains("is 255, expected a number from 0 to 1")
    );
    assert_eq!(
        message(Digits::new(Array2::zeros((0, 784)).view(), &[])),
        "Digits::new: there are no images"
    );
    assert_eq!(
        message(blank(3).select(&[0, 3])),
        "select: there is no image 3, there are 3"
    );
    assert_eq!(message(blank(3).select(&[])), "select: there are no images");
    assert_eq!(
        message(blank(3).image(4)),
        "image: there is no image 4, there are 3"
    );
    assert_eq!(
        message(blank(1).rotated(f64::INFINITY)),
        "degrees is inf, expected a finite number"
    );
}

#[test]
fn a_split_that_cannot_be_is_refused() {
    let digits = blank(50);
    assert_eq!(
        message(split(&digits, -0.1, 0.2, 1)),
        "validation is -0.1, expected a share from 0 to below 1"
    );
    assert_eq!(
        message(split(&digits, 0.5, 0.5, 1)),
        "validation + test is 1, expected a share from 0 to below 1"
    );
    assert_eq!(
        message(split(&digits, 0.0, 0.5, 1)),
        "select: there are no images"
    );
}

#[test]
fn settings_are_checked() {
    let device = device().unwrap();
    let trainer = |change: &dyn Fn(&mut TrainConfig)| {
        let mut config = TrainConfig::default();
        change(&mut config);
        message(Trainer::new(config, &device))
    };
    assert_eq!(
        trainer(&|c| c.epochs = 0),
        "epochs is 0, expected at least 1"
    );
    assert_eq!(
        trainer(&|c| c.batch_size = 0),
        "batch_size is 0, expected at least 1"
    );
    assert_eq!(
        trainer(&|c| c.patience = 0),
        "patience is 0, expected at least 1"
    );
    assert_eq!(
        trainer(&|c| c.learning_rate = f64::NAN),
        "learning_rate is NaN, expected a finite number, not negative"
    );
    assert_eq!(
        trainer(&|c| c.model.hidden = 0),
        "hidden is 0, expected a whole number from 1 to 4096"
    );
    assert_eq!(
        trainer(&|c| c.model.dropout = 1.0),
        "dropout is 1, expected a share from 0 to below 1"
    );
    assert!(
        trainer(&|c| c.augment.scale = 2.0).starts_with("augment.scale is 2, expected 0 or more")
    );
}

#[test]
fn tensors_of_another_shape_are_refused() {
    let device = device().unwrap();
    let net = Cnn::new(
        CnnConfig::default(),
        &mut ChaCha8Rng::seed_from_u64(1),
        &device,
    )
    .unwrap();
    let colour = Tensor::zeros((2, 3, 28, 28), DType::F32, &device).unwrap();
    assert_eq!(
        message(net.logits(&colour)),
        "Cnn::logits: x has shape [2, 3, 28, 28], expected [2, 1, 28, 28]"
    );
    let mut tensors: Vec<Tensor> = net
        .parameters()
        .iter()
        .map(|p| p.as_tensor().clone())
        .collect();
    tensors.swap(1, 3);
    assert_eq!(
        message(Cnn::from_tensors(CnnConfig::default(), &tensors, &device)),
        "Cnn::from_tensors: conv1.bias has shape [32], expected [16]"
    );
    assert!(
        message(Cnn::from_tensors(
            CnnConfig::default(),
            &tensors[..7],
            &device
        ))
        .starts_with("number of tensors is 7")
    );
    let odd = Tensor::zeros((1, 1, 5, 4), DType::F32, &device).unwrap();
    assert_eq!(
        message(max_pool(&odd)),
        "max_pool: x has shape [1, 1, 5, 4], expected [1, 1, 6, 4]"
    );
}

#[test]
fn an_evaluation_is_checked() {
    let p = Array2::from_elem((2, 10), 0.1);
    assert_eq!(
        message(Evaluation::new(p.clone(), &[1])),
        "Evaluation::new: probabilities has shape [2, 10], expected [1, 10]"
    );
    assert_eq!(
        message(Evaluation::new(p.clone(), &[1, 12])),
        "Evaluation::new: label 1 is 12, expected a digit from 0 to 9"
    );
    let seen = Evaluation::new(p, &[0, 1]).unwrap();
    assert_eq!(
        message(seen.kept(1.5)),
        "threshold is 1.5, expected a probability from 0 to 1"
    );
    assert_eq!(message(seen.cost(1.5, 2.0, 0.02)), message(seen.kept(1.5)));
    for (error, look) in [(2.0, -0.02), (2.0, f64::NAN)] {
        let expected = format!("look is {look}, expected a finite price, not negative");
        assert_eq!(message(seen.cost(0.5, error, look)), expected);
    }
    assert!(message(seen.cost(0.5, f64::INFINITY, 0.02)).starts_with("error is inf"));
    assert!(message(seen.accuracy_interval(1.0)).contains("level is 1"));
}

#[test]
fn gradients_are_those_of_the_network_asked() {
    let new = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Cnn::new(CnnConfig::default(), &mut rng, &device().unwrap()).unwrap()
    };
    let (net, other) = (new(1), new(1));
    let (x, labels) = blank(2).tensors(net.device()).unwrap();
    let loss = deep::train::loss(&net, &x, &labels).unwrap();
    let graph = loss.backward().unwrap();
    assert!(net.gradients(&graph).is_ok());
    assert_eq!(
        message(other.gradients(&graph)),
        "graph is without conv1.weight, expected that of a loss of this network"
    );
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_names_the_batch() {
    let mnist = datasets::mnist().unwrap();
    let digits = Digits::new(mnist.images.view(), &mnist.labels).unwrap();
    let parts = split(&digits, 0.02, 0.93, 1).unwrap();
    let model = CnnConfig {
        channels: [2, 2],
        hidden: 4,
        dropout: 0.0,
    };
    let config = TrainConfig {
        model,
        learning_rate: 1e30,
        ..TrainConfig::default()
    };
    let mut trainer = Trainer::new(config, &device().unwrap()).unwrap();
    let error = trainer
        .run(&parts.train, &parts.validation, 1, |_| ())
        .unwrap_err();
    assert!(
        matches!(error, DeepError::Diverged { epoch: 1, .. }),
        "{error:?}"
    );
    assert!(error.to_string().ends_with(": try a lower one"), "{error}");
    assert!(trainer.history().is_empty());
}

#[test]
fn variation_changes_pictures_and_nothing_else() {
    let mnist = datasets::mnist().unwrap();
    let digits = Digits::new(mnist.images.view(), &mnist.labels).unwrap();
    let order: Vec<usize> =
        batches(5000, 5000, Some(&mut ChaCha8Rng::seed_from_u64(3))).remove(0)[..64].to_vec();
    let batch = |augment: Augment, seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let (x, y) = digits
            .batch(&order, &augment, rng, &device().unwrap())
            .unwrap();
        (
            x.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            y.to_vec1::<u32>().unwrap(),
        )
    };
    let (plain, labels) = batch(Augment::none(), 1);
    let (varied, same_labels) = batch(Augment::handwriting(), 1);
    assert_eq!(labels, same_labels);
    assert!(varied.iter().all(|v| (-1e-6..=1.0 + 1e-6).contains(v)));
    assert_ne!(plain, varied);
    assert_eq!(batch(Augment::handwriting(), 1).0, varied, "the same seed");
    assert_ne!(batch(Augment::handwriting(), 2).0, varied, "another seed");
    // turning back and forth about the middle is nearly nothing
    let there_and_back = digits
        .select(&[600])
        .unwrap()
        .rotated(20.0)
        .unwrap()
        .rotated(-20.0)
        .unwrap();
    let (before, after) = (digits.image(600).unwrap(), there_and_back.image(0).unwrap());
    assert!((&before - &after).mapv(|d| d * d).sum() < 0.1 * before.mapv(|d| d * d).sum());
}
