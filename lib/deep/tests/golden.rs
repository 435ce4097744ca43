//! One forward and one backward pass, and three steps of the optimiser, three ways: PyTorch, candle, and our own layers.
//!
//! `golden/cnn.py` writes the expected values in double precision; it says with which version of PyTorch.

use candle_core::{Device, Tensor, Var};
use deep::cnn::{Cnn, CnnConfig, PARAMETERS};
use deep::optimiser::AdamW;
use foundations::neural_network::ConvNet;
use ndarray::{Array, Array4, Dimension};
use serde_json::Value;

/// Both in double precision: rounding of some thousand additions of numbers of size 1.
const DOUBLE: f64 = 1e-12;
/// candle computes in single precision: 6e-8 an operation, a few hundred additions.
const SINGLE: f64 = 2e-6;

struct Golden(Value);

impl Golden {
    fn read() -> Golden {
        Golden(serde_json::from_str(include_str!("golden/cnn.json")).unwrap())
    }

    fn numbers(&self, pointer: &str) -> Vec<f64> {
        let array = self
            .0
            .pointer(pointer)
            .unwrap_or_else(|| panic!("no {pointer}"))
            .as_array()
            .unwrap();
        array.iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn number(&self, name: &str) -> f64 {
        // numpy has written a number as a list of one
        self.0[name]
            .as_f64()
            .unwrap_or_else(|| self.0[name][0].as_f64().unwrap())
    }

    fn labels(&self) -> Vec<u8> {
        self.numbers("/labels")
            .into_iter()
            .map(|label| label as u8)
            .collect()
    }

    fn array<D: Dimension>(
        &self,
        pointer: &str,
        shape: impl ndarray::ShapeBuilder<Dim = D>,
    ) -> Array<f64, D> {
        Array::from_shape_vec(shape, self.numbers(pointer)).unwrap()
    }

    fn images(&self) -> Array4<f64> {
        self.array("/x", (3, 1, 28, 28))
    }

    /// The network in candle.
    fn cnn(&self) -> Cnn {
        let tensors: Vec<Tensor> = PARAMETERS
            .iter()
            .zip(CONFIG.shapes())
            .map(|(name, shape)| {
                let values = self.numbers(&format!("/parameters/{name}"));
                Tensor::from_vec(
                    values.iter().map(|&v| v as f32).collect::<Vec<_>>(),
                    shape,
                    &Device::Cpu,
                )
                .unwrap()
            })
            .collect();
        Cnn::from_tensors(CONFIG, &tensors, &Device::Cpu).unwrap()
    }

    fn tensors(&self) -> (Tensor, Tensor) {
        let x: Vec<f32> = self.numbers("/x").iter().map(|&v| v as f32).collect();
        let y: Vec<u32> = self.labels().into_iter().map(u32::from).collect();
        let x = Tensor::from_vec(x, (3, 1, 28, 28), &Device::Cpu).unwrap();
        (x, Tensor::from_vec(y, 3, &Device::Cpu).unwrap())
    }
}

const CONFIG: CnnConfig = CnnConfig {
    channels: [2, 3],
    hidden: 4,
    dropout: 0.0,
};

#[track_caller]
fn close(what: &str, got: &[f64], want: &[f64], allowed: f64) {
    assert_eq!(got.len(), want.len(), "{what}: number of entries");
    let size = want.iter().fold(0f64, |most, v| most.max(v.abs()));
    assert!(size > 0.0, "{what}: nothing but zeros shows nothing");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(
            (got - want).abs() <= allowed * size.max(1.0),
            "{what}[{i}]: {got}, PyTorch has {want}"
        );
    }
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap()
        .into_iter()
        .map(f64::from)
        .collect()
}

#[test]
fn our_own_layers_agree_with_pytorch() {
    let golden = Golden::read();
    let p = |name: &str| format!("/parameters/{name}");
    let net = ConvNet {
        conv1_weight: golden.array(&p("conv1.weight"), (2, 1, 5, 5)),
        conv1_bias: golden.array(&p("conv1.bias"), 2),
        conv2_weight: golden.array(&p("conv2.weight"), (3, 2, 5, 5)),
        conv2_bias: golden.array(&p("conv2.bias"), 3),
        dense1_weight: golden.array(&p("dense1.weight"), (4, 48)),
        dense1_bias: golden.array(&p("dense1.bias"), 4),
        dense2_weight: golden.array(&p("dense2.weight"), (10, 4)),
        dense2_bias: golden.array(&p("dense2.bias"), 10),
    };
    let x = golden.images();
    let logits: Vec<f64> = net.logits(x.view()).unwrap().into_iter().collect();
    close("logits", &logits, &golden.numbers("/logits"), DOUBLE);
    let (loss, back) = net.loss_and_gradient(x.view(), &golden.labels()).unwrap();
    close("loss", &[loss], &[golden.number("loss")], DOUBLE);
    let gradients: [Vec<f64>; 8] = [
        back.conv1_weight.into_iter().collect(),
        back.conv1_bias.to_vec(),
        back.conv2_weight.into_iter().collect(),
        back.conv2_bias.to_vec(),
        back.dense1_weight.into_iter().collect(),
        back.dense1_bias.to_vec(),
        back.dense2_weight.into_iter().collect(),
        back.dense2_bias.to_vec(),
    ];
    for (name, got) in PARAMETERS.iter().zip(&gradients) {
        close(
            name,
            got,
            &golden.numbers(&format!("/gradients/{name}")),
            DOUBLE,
        );
    }
}

#[test]
fn candle_agrees_with_pytorch() {
    let golden = Golden::read();
    let net = golden.cnn();
    let (x, y) = golden.tensors();
    let logits = net.logits(&x).unwrap();
    close("logits", &flat(&logits), &golden.numbers("/logits"), SINGLE);
    let loss = candle_nn::loss::cross_entropy(&logits, &y).unwrap();
    close("loss", &flat(&loss), &[golden.number("loss")], SINGLE);
    let back = loss.backward().unwrap();
    for (name, parameter) in PARAMETERS.iter().zip(net.parameters()) {
        let got = flat(back.get(parameter).unwrap());
        close(
            name,
            &got,
            &golden.numbers(&format!("/gradients/{name}")),
            SINGLE,
        );
    }
}

#[test]
fn three_steps_of_adamw_agree_with_pytorch() {
    let golden = Golden::read();
    let net = golden.cnn();
    let (x, y) = golden.tensors();
    let mut adam = AdamW::new(net.parameters(), golden.number("weight_decay")).unwrap();
    for _ in 0..golden.number("steps") as usize {
        let loss = candle_nn::loss::cross_entropy(&net.logits(&x).unwrap(), &y).unwrap();
        adam.step(
            net.parameters(),
            &loss.backward().unwrap(),
            golden.number("learning_rate"),
        )
        .unwrap();
    }
    for (name, parameter) in PARAMETERS.iter().zip(net.parameters()) {
        // a step divides a gradient by its own size, so that the smallest keep the fewest digits
        close(
            name,
            &flat(parameter),
            &golden.numbers(&format!("/stepped/{name}")),
            1e-4,
        );
    }
    assert_eq!(adam.steps(), 3);
}

#[test]
fn a_convolution_is_what_candles_own_is() {
    let golden = Golden::read();
    let (x, net) = (golden.tensors().0, golden.cnn());
    let [weight, bias] = [&net.parameters()[0], &net.parameters()[1]];
    let ours = deep::cnn::conv2d(&x, weight, bias).unwrap();
    let candles = x
        .conv2d(weight, 0, 1, 1, 1)
        .unwrap()
        .broadcast_add(&bias.reshape((1, 2, 1, 1)).unwrap())
        .unwrap();
    assert_eq!(ours.dims(), candles.dims());
    close("maps", &flat(&ours), &flat(&candles), SINGLE);
    let gradient = |y: &Tensor| {
        flat(
            y.sqr()
                .unwrap()
                .sum_all()
                .unwrap()
                .backward()
                .unwrap()
                .get(weight)
                .unwrap(),
        )
    };
    close("gradient", &gradient(&ours), &gradient(&candles), SINGLE);
}

/// Why `cnn::max_pool` is there. When this fails, candle has been mended, and the chapter has to say so.
#[test]
fn candles_own_max_pooling_gives_a_quarter_of_the_gradient() {
    let x = Var::new(&[[[[1f32, 3.0], [2.0, 0.0]]]], &Device::Cpu).unwrap();
    let gradient = |y: Tensor| flat(y.sum_all().unwrap().backward().unwrap().get(&x).unwrap());
    assert_eq!(gradient(x.max_pool2d(2).unwrap()), [0.0, 0.25, 0.0, 0.0]);
    assert_eq!(
        gradient(deep::cnn::max_pool(&x).unwrap()),
        [0.0, 1.0, 0.0, 0.0]
    );
    let value = |y: Tensor| flat(&y);
    assert_eq!(
        value(x.max_pool2d(2).unwrap()),
        value(deep::cnn::max_pool(&x).unwrap())
    );
}
