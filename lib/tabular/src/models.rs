//! Three models of the same columns: linfa's logistic regression, ours, and a forest of linfa's trees.

use crate::TrainError;
use foundations::linear_model::{LogisticRegression as Ours, sigmoid};
use linfa::traits::Fit;
use linfa::{Dataset, DatasetBase};
use linfa_ensemble::{EnsembleLearnerParams, RandomForest};
use linfa_logistic::LogisticRegression as Linfa;
use linfa_trees::{DecisionTree, DecisionTreeParams, TreeNode};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// An intercept and coefficients, whoever fitted them.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// The log-odds where all columns are 0.
    pub intercept: f64,
    /// Log-odds per unit of each column, shape `(n_features,)`.
    pub coef: Array1<f64>,
}

impl Logistic {
    /// The probability of leaving at each row of `x`, shape `(n,)`.
    ///
    /// # Panics
    /// If `x` has not as many columns as there are coefficients.
    pub fn predict_proba(&self, x: ArrayView2<'_, f64>) -> Array1<f64> {
        (x.dot(&self.coef) + self.intercept).mapv_into(sigmoid)
    }
}

/// Fits the logistic regression of `foundations`, by Newton's method.
///
/// # Arguments
/// - `x`: standardised columns, shape `(n, n_features)`.
/// - `left`: 1 for those who left, else 0, shape `(n,)`.
/// - `alpha`: the penalty on squared coefficients, as [`Ours`] defines it.
///
/// # Errors
/// [`TrainError::Fit`], and [`TrainError::NotConverged`].
///
/// # References
/// Agrees with scikit-learn to 1e-8 on the training customers (`tests/golden_churn.rs`).
pub fn ours(
    x: ArrayView2<'_, f64>,
    left: ArrayView1<'_, f64>,
    alpha: f64,
) -> Result<Logistic, TrainError> {
    let fit = Ours::new(alpha).fit(x, left)?;
    if !fit.converged() {
        return Err(TrainError::NotConverged {
            alpha,
            steps: fit.n_iter(),
        });
    }
    Ok(Logistic {
        intercept: fit.intercept(),
        coef: fit.coef().to_owned(),
    })
}

/// Fits linfa's logistic regression, by L-BFGS, to a gradient of 1e-8.
///
/// linfa models the probability of the *more frequent* class, here those who stayed: the signs are turned here.
///
/// # Arguments
/// As [`ours`], with the same `alpha`.
///
/// # Errors
/// [`TrainError::Linfa`] with what linfa says.
///
/// # References
/// Agrees with [`ours`] to 1e-6 on the training customers.
pub fn linfa(
    x: ArrayView2<'_, f64>,
    left: ArrayView1<'_, f64>,
    alpha: f64,
) -> Result<Logistic, TrainError> {
    let classes = left.mapv(|v| usize::from(v == 1.0));
    let data = Dataset::new(x.to_owned(), classes);
    let model = Linfa::default()
        .alpha(alpha)
        .gradient_tolerance(1e-8)
        .max_iterations(1000);
    let fit = model
        .fit(&data)
        .map_err(|error| TrainError::Linfa(error.to_string()))?;
    let sign = if fit.labels().pos.class == 1 {
        1.0
    } else {
        -1.0
    };
    Ok(Logistic {
        intercept: sign * fit.intercept(),
        coef: fit.params() * sign,
    })
}

/// The hyperparameters of a [`Forest`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForestParams {
    /// Trees, each grown on as many customers drawn with replacement.
    pub trees: usize,
    /// The share of columns that a tree is given, drawn with replacement, from 0 to 1.
    pub columns: f64,
    /// The least number of customers in a leaf.
    pub leaf: usize,
    /// The seed of both draws.
    pub seed: u64,
}

/// One node: where to go, or what to vote.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
    Split {
        column: usize,
        at: f64,
        left: usize,
        right: usize,
    },
    Leaf {
        vote: f64,
    },
}

/// linfa's decision tree, grown with a little more weight on those who left, so that no two classes weigh the same.
#[derive(Clone)]
struct Untied(DecisionTreeParams<f64, usize>);

impl Fit<Array2<f64>, Array1<usize>, linfa::Error> for Untied {
    type Object = DecisionTree<f64, usize>;

    fn fit(
        &self,
        data: &DatasetBase<Array2<f64>, Array1<usize>>,
    ) -> linfa::error::Result<Self::Object> {
        // A power of two: sums of up to 2^14 such weights are exact in `f32`, in any order.
        let weigh = |&class: &usize| 1.0 + class as f32 / 1024.0;
        let weights = data.targets.map(weigh);
        let data = Dataset::new(data.records.clone(), data.targets.clone());
        self.0.fit(&data.with_weights(weights))
    }
}

/// A fitted ensemble of linfa's decision trees, which answers with the share of trees that vote for leaving.
///
/// A leaf casts one vote, that of its majority, however narrow: see [`with_shares`](Self::with_shares).
///
/// A leaf with as many who left as stayed votes for leaving. (linfa alone breaks such a tie by the order of a hash map,
/// which differs from run to run.)
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    trees: Vec<Vec<Node>>,
}

impl Forest {
    /// Grows the trees with `linfa-ensemble` and `linfa-trees`.
    ///
    /// # Arguments
    /// As [`ours`]; the columns need not be standardised.
    ///
    /// # Errors
    /// [`TrainError::Linfa`] for hyperparameters that linfa refuses.
    ///
    /// # Complexity
    /// `O(trees n² n_features)` time at worst: linfa goes through all customers at each node.
    pub fn fit(
        x: ArrayView2<'_, f64>,
        left: ArrayView1<'_, f64>,
        params: ForestParams,
    ) -> Result<Self, TrainError> {
        let classes = left.mapv(|v| usize::from(v == 1.0));
        let data = Dataset::new(x.to_owned(), classes);
        let tree = Untied(DecisionTree::params().min_weight_leaf(params.leaf as f32));
        let ensemble =
            EnsembleLearnerParams::new_fixed_rng(tree, StdRng::seed_from_u64(params.seed))
                .ensemble_size(params.trees)
                .feature_proportion(params.columns);
        let fitted = ensemble
            .fit(&data)
            .map_err(|error| TrainError::Linfa(error.to_string()))?;
        Ok(Forest::of(&fitted))
    }

    fn of(fitted: &RandomForest<f64, usize>) -> Self {
        let trees = fitted.models.iter().zip(&fitted.model_features);
        let trees = trees.map(|(tree, columns)| {
            let mut nodes = Vec::new();
            flatten(tree.root_node(), columns, &mut nodes);
            nodes
        });
        Forest {
            trees: trees.collect(),
        }
    }

    /// The same trees, whose leaves answer with the share of leavers among these customers, in place of a vote.
    ///
    /// A leaf that none of them reaches keeps its vote.
    ///
    /// # Arguments
    /// As [`fit`](Self::fit): the customers that the trees were grown on.
    ///
    /// # Panics
    /// If `x` has fewer columns than the fit, or fewer rows than `left`.
    ///
    /// # Examples
    /// ```
    /// use ndarray::{Array1, Array2};
    /// use tabular::models::{Forest, ForestParams};
    ///
    /// // One column that says nothing: the tree is one leaf, and one customer of ten left.
    /// let x = Array2::ones((10, 1));
    /// let left: Array1<f64> = (0..10).map(|i| f64::from(i == 0)).collect();
    /// let params = ForestParams { trees: 1, columns: 1.0, leaf: 1, seed: 1 };
    /// let votes = Forest::fit(x.view(), left.view(), params)?;
    /// let shares = votes.with_shares(x.view(), left.view());
    /// assert_eq!(votes.predict_proba(x.view())[0], 0.0);
    /// assert_eq!(shares.predict_proba(x.view())[0], 0.1);
    /// # Ok::<(), tabular::TrainError>(())
    /// ```
    pub fn with_shares(&self, x: ArrayView2<'_, f64>, left: ArrayView1<'_, f64>) -> Self {
        let of = |tree: &Vec<Node>| {
            let mut reached = vec![(0.0, 0.0); tree.len()];
            for (row, left) in x.rows().into_iter().zip(left) {
                let (leavers, customers) = &mut reached[leaf(tree, row)];
                *leavers += left;
                *customers += 1.0;
            }
            let share = |(node, (leavers, customers)): (&Node, (f64, f64))| match node {
                Node::Leaf { .. } if customers > 0.0 => Node::Leaf {
                    vote: leavers / customers,
                },
                node => *node,
            };
            tree.iter().zip(reached).map(share).collect()
        };
        Forest {
            trees: self.trees.iter().map(of).collect(),
        }
    }

    /// The share of trees that vote for leaving at each row of `x`, or what their leaves answer on average, shape `(n,)`.
    ///
    /// # Panics
    /// If `x` has fewer columns than the fit.
    pub fn predict_proba(&self, x: ArrayView2<'_, f64>) -> Array1<f64> {
        let share = |row: ArrayView1<'_, f64>| {
            let votes: f64 = self.trees.iter().map(|tree| vote(tree, row)).sum();
            votes / self.trees.len() as f64
        };
        x.axis_iter(Axis(0)).map(share).collect()
    }

    /// The number of trees.
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// The mean number of leaves of a tree.
    pub fn leaves(&self) -> f64 {
        let leaf = |node: &&Node| matches!(node, Node::Leaf { .. });
        let leaves: usize = self
            .trees
            .iter()
            .map(|tree| tree.iter().filter(leaf).count())
            .sum();
        leaves as f64 / self.trees.len() as f64
    }
}

/// Appends a node and what is below it, and returns its place.
fn flatten(node: &TreeNode<f64, usize>, columns: &[usize], nodes: &mut Vec<Node>) -> usize {
    let place = nodes.len();
    if let Some(class) = node.prediction() {
        nodes.push(Node::Leaf { vote: class as f64 });
        return place;
    }
    nodes.push(Node::Leaf { vote: 0.0 });
    let (column, at, _) = node.split();
    let children = node.children();
    let mut below = |child: &Option<Box<TreeNode<f64, usize>>>| {
        let child = child
            .as_ref()
            .expect("a node that is no leaf has two children");
        flatten(child, columns, nodes)
    };
    let (left, right) = (below(children[0]), below(children[1]));
    nodes[place] = Node::Split {
        column: columns[column],
        at,
        left,
        right,
    };
    place
}

/// The place of the leaf that a row reaches.
fn leaf(tree: &[Node], row: ArrayView1<'_, f64>) -> usize {
    let mut place = 0;
    while let Node::Split {
        column,
        at,
        left,
        right,
    } = tree[place]
    {
        place = if row[column] < at { left } else { right };
    }
    place
}

fn vote(tree: &[Node], row: ArrayView1<'_, f64>) -> f64 {
    match tree[leaf(tree, row)] {
        Node::Leaf { vote } => vote,
        Node::Split { .. } => unreachable!("a row ends in a leaf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linfa::traits::Predict;
    use rand::Rng;

    /// Customers who leave where the first column is large and the second small, mostly.
    fn problem(n: usize) -> (Array2<f64>, Array1<f64>) {
        let mut rng = StdRng::seed_from_u64(5);
        let x = Array2::from_shape_simple_fn((n, 4), || rng.gen_range(-1.0..1.0));
        let left = x.rows().into_iter();
        let left = left.map(|row| f64::from(row[0] - row[1] + rng.gen_range(-0.5..0.5) > 0.0));
        (x.clone(), left.collect())
    }

    #[test]
    fn the_votes_are_those_of_linfas_trees() {
        let (x, left) = problem(300);
        let data = Dataset::new(x.clone(), left.mapv(|v| v as usize));
        let tree = DecisionTree::params().min_weight_leaf(3.0);
        let fitted = EnsembleLearnerParams::new_fixed_rng(tree, StdRng::seed_from_u64(1))
            .ensemble_size(11)
            .feature_proportion(0.7)
            .fit(&data)
            .expect("an ensemble");
        let forest = Forest::of(&fitted);
        assert_eq!(forest.len(), 11);
        assert!(forest.leaves() > 4.0);
        let (fresh, _) = problem(500);
        let mut votes: Array1<f64> = Array1::zeros(500);
        for (tree, columns) in fitted.models.iter().zip(&fitted.model_features) {
            let classes = tree.predict(&fresh.select(Axis(1), columns));
            votes += &classes.mapv(|class| class as f64 / 11.0);
        }
        let got = forest.predict_proba(fresh.view());
        assert!((&got - &votes).iter().all(|d| d.abs() < 1e-12));
        assert!(got.iter().any(|p| *p > 0.0 && *p < 1.0));
    }

    #[test]
    fn a_forest_with_ties_is_the_same_each_time() {
        // Whole numbers, so that many customers are alike and leaves are tied.
        let (x, left) = problem(300);
        let x = x.mapv(f64::round);
        let params = ForestParams {
            trees: 5,
            columns: 0.7,
            leaf: 2,
            seed: 3,
        };
        let grow = || Forest::fit(x.view(), left.view(), params).expect("a forest");
        let first = grow();
        assert!((0..5).all(|_| grow() == first));
        let tied = ndarray::array![[1.0], [1.0], [0.0], [0.0], [0.0]];
        let left = ndarray::array![0.0, 1.0, 0.0, 0.0, 0.0];
        let fitted = Untied(DecisionTree::params())
            .fit(&Dataset::new(tied.clone(), left.mapv(|v: f64| v as usize)))
            .expect("a tree");
        assert_eq!(fitted.predict(&tied), ndarray::array![1, 1, 0, 0, 0]);
    }

    #[test]
    fn leaves_answer_with_the_share_of_those_who_reach_them() {
        let tree = vec![
            Node::Split {
                column: 1,
                at: 0.5,
                left: 1,
                right: 2,
            },
            Node::Leaf { vote: 0.0 },
            Node::Leaf { vote: 1.0 },
        ];
        let forest = Forest { trees: vec![tree] };
        let x = ndarray::array![[9.0, 0.0], [9.0, 0.1], [9.0, 0.2], [9.0, 0.3], [0.0, 0.4]];
        let left = ndarray::array![1.0, 1.0, 0.0, 0.0, 0.0];
        let shares = forest.with_shares(x.view(), left.view());
        let asked = ndarray::array![[0.0, 0.0], [0.0, 0.7]];
        assert_eq!(
            shares.predict_proba(asked.view()),
            ndarray::array![0.4, 1.0]
        );
        assert_eq!(
            forest.predict_proba(asked.view()),
            ndarray::array![0.0, 1.0]
        );
    }

    #[test]
    fn linfa_and_ours_agree_whichever_class_is_more_frequent() {
        let (x, left) = problem(300);
        for keep in [0.0, 1.0] {
            // Leave out half of one class.
            let rows: Vec<usize> = (0..300)
                .filter(|&i| left[i] != keep || i % 2 == 0)
                .collect();
            let (x, left) = (x.select(Axis(0), &rows), left.select(Axis(0), &rows));
            let ours = ours(x.view(), left.view(), 2.0).expect("a fit");
            let linfa = super::linfa(x.view(), left.view(), 2.0).expect("a fit");
            assert!(ours.coef[0] > 0.5 && ours.coef[1] < -0.5);
            assert!((&ours.coef - &linfa.coef).iter().all(|d| d.abs() < 1e-6));
            assert!((ours.intercept - linfa.intercept).abs() < 1e-6);
        }
    }

    #[test]
    fn what_linfa_refuses_is_an_error() {
        let (x, left) = problem(20);
        let params = |columns, trees| ForestParams {
            trees,
            columns,
            leaf: 1,
            seed: 0,
        };
        for bad in [params(0.0, 5), params(1.5, 5), params(0.5, 0)] {
            let error = Forest::fit(x.view(), left.view(), bad).expect_err("refused");
            assert!(matches!(error, TrainError::Linfa(_)), "{error}");
        }
        let stayed = Array1::zeros(20);
        let error = super::linfa(x.view(), stayed.view(), 1.0).expect_err("one class");
        assert!(matches!(error, TrainError::Linfa(_)), "{error}");
    }
}
