"""The texts of a report in German, by their English.

Where a page says the same, it says it in the same words: `tests/pneumonia_api/report/test_words.py`
compares them with the pages' catalogue.
"""

GERMAN = {
    "Chest X-ray: reading and AI result": "Thoraxaufnahme: Befund und KI-Ergebnis",
    "Chest X-ray: reading": "Thoraxaufnahme: Befund",
    "Reference %(reference)s": "Referenz %(reference)s",
    "No reference": "Ohne Referenz",
    "View %(view)s": "Aufnahme %(view)s",
    "Sent %(time)s by %(source)s": "Gesendet %(time)s von %(source)s",
    "ID %(id)s": "ID %(id)s",
    "Page %(number)s": "Seite %(number)s",
    # The film.
    "The analysed chest X-ray": "Die analysierte Thoraxaufnahme",
    "with contours, strongest: %(place)s": "mit Konturen, am stärksten: %(place)s",
    "Contours: areas that most increased the score (Grad-CAM), at 50 and 80 % of the strongest "
    "one. Approximate: not an outline of disease.": (
        "Konturen: Bereiche, die den Score am stärksten erhöht haben (Grad-CAM), bei 50 und 80 % "
        "des stärksten. Nur ungefähr: keine Umrandung einer Erkrankung."
    ),
    "Strongest: %(place)s.": "Am stärksten: %(place)s.",
    "The patient's right is at the image's left, if the film hangs as usual.": (
        "Rechts am Patienten ist links im Bild, wenn die Aufnahme wie üblich hängt."
    ),
    "A picture of reduced size, not for diagnosis.": "Ein verkleinertes Bild, nicht zur Befundung.",
    "The file says that text in this picture identifies the patient.": "Laut Datei enthält dieses "
    "Bild Text, der den Patienten identifiziert.",
    "right upper zone": "rechtes Oberfeld",
    "right middle zone": "rechtes Mittelfeld",
    "right lower zone": "rechtes Unterfeld",
    "midline, upper zone": "Mittellinie, oberes Drittel",
    "midline, middle zone": "Mittellinie, mittleres Drittel",
    "midline, lower zone": "Mittellinie, unteres Drittel",
    "left upper zone": "linkes Oberfeld",
    "left middle zone": "linkes Mittelfeld",
    "left lower zone": "linkes Unterfeld",
    "nowhere: no area increased the score": "nirgends: kein Bereich hat den Score erhöht",
    # The reading.
    "Reading": "Befund",
    "Further readings": "Weitere Befunde",
    "Pneumonia": "Pneumonie",
    "No pneumonia": "Keine Pneumonie",
    "Unsure": "Unsicher",
    "%(reading)s, agrees with the AI result": "%(reading)s, stimmt mit dem KI-Ergebnis überein",
    "%(reading)s, disagrees with the AI result": "%(reading)s, weicht vom KI-Ergebnis ab",
    "%(reading)s: the image is inconclusive": "%(reading)s: das Bild lässt keine Entscheidung zu",
    "Note: “%(note)s”": "Notiz: „%(note)s“",
    "%(reader)s, %(time)s, %(seen)s": "%(reader)s, %(time)s, %(seen)s",
    "%(reader)s, %(time)s: %(reading)s": "%(reader)s, %(time)s: %(reading)s",
    "and %(count)s more": "und %(count)s weitere",
    "AI result shown": "KI-Ergebnis angezeigt",
    "AI result hidden": "KI-Ergebnis verborgen",
    "not known whether the AI result was shown": "nicht bekannt, ob das KI-Ergebnis angezeigt war",
    # The AI result.
    "AI result": "KI-Ergebnis",
    "Pneumonia likely": "Pneumonie wahrscheinlich",
    "Uncertain": "Unklar",
    "No pneumonia detected": "Kein Hinweis auf Pneumonie",
    "Withheld": "Zurückgehalten",
    "No verdict": "Keine Bewertung",
    "Silent weeks": "Stille Wochen",
    "This site tests the model. It has judged this X-ray, and nobody is shown what it says.": (
        "Dieser Standort prüft das Modell. Es hat dieses Röntgenbild beurteilt, und niemand "
        "sieht sein Ergebnis."
    ),
    "Probability of pneumonia %(share)s, threshold %(threshold)s, uncertain from %(low)s to "
    "%(high)s.": (
        "Wahrscheinlichkeit einer Pneumonie %(share)s, Schwellenwert %(threshold)s, unklar von "
        "%(low)s bis %(high)s."
    ),
    "Probability of pneumonia %(share)s, threshold %(threshold)s.": (
        "Wahrscheinlichkeit einer Pneumonie %(share)s, Schwellenwert %(threshold)s."
    ),
    "At or above %(high)s. Some X-rays without pneumonia score this high too: look for the "
    "finding behind it.": (
        "%(high)s oder mehr. Auch manche Röntgenbilder ohne Pneumonie erreichen diesen Wert: "
        "Suchen Sie den Befund, der dahintersteht."
    ),
    "Between %(low)s and %(high)s patients with and without pneumonia score alike: read the "
    "X-ray as if there were no AI result.": (
        "Zwischen %(low)s und %(high)s haben Patienten mit und ohne Pneumonie gleich hohe Werte: "
        "Befunden Sie das Röntgenbild so, als gäbe es kein KI-Ergebnis."
    ),
    "Below %(low)s. This does not rule out pneumonia: look for signs that it may have missed.": (
        "Unter %(low)s. Das schließt eine Pneumonie nicht aus: Suchen Sie nach Zeichen, die das "
        "Modell übersehen haben könnte."
    ),
    "There is no verdict on this image:": "Zu diesem Bild gibt es keine Bewertung:",
    "The file says that the patient is younger than %(youngest)s.": (
        "Laut Datei ist der Patient jünger als %(youngest)s Jahre."
    ),
    "The file says that the patient is older than %(oldest)s.": (
        "Laut Datei ist der Patient älter als %(oldest)s Jahre."
    ),
    "The age and the dates in the file disagree.": (
        "Das Alter und die Daten in der Datei widersprechen einander."
    ),
    "The model was validated for ages %(youngest)s to %(oldest)s only: do not rely on it.": (
        "Das Modell wurde nur für %(youngest)s bis %(oldest)s Jahre validiert: Verlassen Sie "
        "sich nicht darauf."
    ),
    "Age not checked: an earlier release analysed this X-ray.": (
        "Alter nicht geprüft: Eine frühere Version hat dieses Röntgenbild analysiert."
    ),
    "The model does not state the ages that it is valid for.": (
        "Das Modell gibt nicht an, für welches Alter es gültig ist."
    ),
    "Age in the file: within %(youngest)s to %(oldest)s, as the model needs": (
        "Alter laut Datei: innerhalb von %(youngest)s bis %(oldest)s Jahren, wie das Modell es "
        "braucht"
    ),
    "Age not in the file: valid only for ages %(youngest)s to %(oldest)s": (
        "Alter nicht in der Datei: nur gültig für %(youngest)s bis %(oldest)s Jahre"
    ),
    "The age in the file cannot be right: valid only for ages %(youngest)s to %(oldest)s": (
        "Das Alter in der Datei kann nicht stimmen: nur gültig für %(youngest)s bis %(oldest)s "
        "Jahre"
    ),
    # What it is worth.
    "What it is worth here": "Was es hier wert ist",
    "Of 100 patients here with this result %(ill)s (95 % interval %(interval)s).": (
        "Von 100 hiesigen Patienten mit diesem Ergebnis %(ill)s (95-%-Konfidenzintervall "
        "%(interval)s)."
    ),
    "That is at this site's prevalence of %(percent)s %, if the model is as good here as on "
    "the %(patients)s patients of its test. The probability above assumes 50 %.": (
        "Das gilt bei der Prävalenz dieses Standorts von %(percent)s %, wenn das Modell hier so "
        "gut ist wie bei den %(patients)s Patienten seines Tests. Die Wahrscheinlichkeit oben "
        "setzt 50 % voraus."
    ),
    "The probability assumes that half of the patients have pneumonia; where fewer do, the "
    "true probability is lower.": (
        "Die Wahrscheinlichkeit setzt voraus, dass die Hälfte der Patienten eine Pneumonie hat; "
        "wo es weniger sind, ist die wahre Wahrscheinlichkeit niedriger."
    ),
    "fewer than 1 is ill": "ist weniger als 1 krank",
    "more than 99 are ill": "sind mehr als 99 krank",
    "about 1 is ill": "ist etwa 1 krank",
    "about %(count)s are ill": "sind etwa %(count)s krank",
    "fewer than 1": "weniger als 1",
    "more than 99": "mehr als 99",
    "%(low)s to %(high)s": "%(low)s bis %(high)s",
    "< 1 %": "< 1 %",
    "> 99 %": "> 99 %",
    # Limits and versions.
    "Limits": "Grenzen",
    "Not a medical device: a second opinion, for a clinician who also reads the X-ray.": (
        "Kein Medizinprodukt: eine zweite Meinung für Ärztinnen und Ärzte, die das Röntgenbild "
        "auch selbst befunden."
    ),
    "It misses some pneumonias: a low probability does not rule one out.": (
        "Es übersieht manche Pneumonien: Eine niedrige Wahrscheinlichkeit schließt keine aus."
    ),
    "It knows no other disease: a pneumothorax, tumour or fracture gets no warning.": (
        "Es kennt keine andere Erkrankung: Vor einem Pneumothorax, einem Tumor oder einer "
        "Fraktur warnt es nicht."
    ),
    "It was trained in one hospital. For adults, infants, side views and other hospitals its "
    "result is unreliable.": (
        "Es wurde in einem einzigen Krankenhaus trainiert. Bei Erwachsenen, Säuglingen, "
        "seitlichen Aufnahmen und in anderen Krankenhäusern ist sein Ergebnis unzuverlässig."
    ),
    "Versions": "Versionen",
    "Probability and threshold are by this hospital's own site profile %(profile)s.": (
        "Wahrscheinlichkeit und Schwelle nach dem eigenen Standortprofil %(profile)s dieses "
        "Krankenhauses."
    ),
    "Model %(model)s, arithmetic %(precision)s; software %(release)s; made %(time)s.": (
        "Modell %(model)s, Rechengenauigkeit %(precision)s; Software %(release)s; erstellt "
        "%(time)s."
    ),
    "Digest of the image (SHA-256) %(digest)s": "Prüfsumme des Bildes (SHA-256) %(digest)s",
}

WARNINGS = {
    "The image is unlike most chest X-rays that the network has seen; do not rely on the result.": (
        "Das Bild unterscheidet sich von den meisten Thoraxaufnahmen, die das Netz gesehen hat; "
        "verlassen Sie sich nicht auf das Ergebnis."
    ),
    "The DICOM names a kind of examination that is not known; check that this is a frontal "
    "chest X-ray.": (
        "Die DICOM-Datei nennt eine unbekannte Untersuchungsart; prüfen Sie, ob das eine "
        "frontale Thoraxaufnahme ist."
    ),
    "The DICOM names a body part that is not known to be the chest; check that this is a "
    "frontal chest X-ray.": (
        "Die DICOM-Datei nennt eine Körperregion, die nicht als Thorax bekannt ist; prüfen Sie, "
        "ob das eine frontale Thoraxaufnahme ist."
    ),
    "The DICOM's description mentions a lateral view; check that this is a frontal chest X-ray.": (
        "Die Beschreibung in der DICOM-Datei erwähnt eine seitliche Aufnahme; prüfen Sie, ob das "
        "eine frontale Thoraxaufnahme ist."
    ),
    "A look-up table of the DICOM could not be used, so the picture may be brighter or darker "
    "than in a viewer.": (
        "Eine Look-up-Tabelle der DICOM-Datei war nicht verwendbar; das Bild kann daher heller "
        "oder dunkler sein als in einem Viewer."
    ),
    "The DICOM says that its greys are inverted, but the pixels show that they are not; they "
    "were left as they are.": (
        "Laut DICOM-Datei sind die Graustufen invertiert, die Pixel zeigen aber, dass sie es "
        "nicht sind; sie wurden belassen, wie sie sind."
    ),
    "The DICOM holds raw detector data, not the picture that a viewer shows.": (
        "Die DICOM-Datei enthält Rohdaten des Detektors, nicht das Bild, das ein Viewer zeigt."
    ),
    "The film does not fill the picture: a viewer's window around it was cut off; check that "
    "the preview shows the whole film, or export the X-ray itself.": (
        "Die Aufnahme füllt das Bild nicht aus: Das Fenster eines Viewers darum herum wurde "
        "abgeschnitten; prüfen Sie, ob die Vorschau die ganze Aufnahme zeigt, oder exportieren "
        "Sie das Röntgenbild selbst."
    ),
    "The film may not fill the picture: there seems to be a viewer's window or a second "
    "picture around it; export the X-ray itself.": (
        "Die Aufnahme füllt das Bild möglicherweise nicht aus: Um sie herum scheint das Fenster "
        "eines Viewers oder ein zweites Bild zu liegen; exportieren Sie das Röntgenbild selbst."
    ),
    "The film seems to be mirrored (the heart lies on the wrong side); check its sides before "
    "using the result.": (
        "Die Aufnahme scheint gespiegelt zu sein (das Herz liegt auf der falschen Seite); prüfen "
        "Sie die Seiten, bevor Sie das Ergebnis verwenden."
    ),
    "The film seems to be turned or upside down; turn it and send it again.": (
        "Die Aufnahme scheint gedreht zu sein oder auf dem Kopf zu stehen; drehen Sie sie und "
        "senden Sie sie noch einmal."
    ),
    "The film seems to be a negative (bones dark, lungs bright); invert it and send it again.": (
        "Die Aufnahme scheint ein Negativ zu sein (Knochen dunkel, Lungen hell); invertieren Sie "
        "sie und senden Sie sie noch einmal."
    ),
    "The image is small (%(width)s x %(height)s pixels): it lacks fine detail that the network "
    "uses.": (
        "Das Bild ist klein (%(width)s \N{MULTIPLICATION SIGN} %(height)s Pixel): Ihm "
        "fehlen feine Details, die das Netz verwendet."
    ),
    "The image is long and narrow, unlike a frontal chest X-ray.": (
        "Das Bild ist lang und schmal, anders als eine frontale Thoraxaufnahme."
    ),
    "The image has very little contrast; the result may be unreliable.": (
        "Das Bild hat sehr wenig Kontrast; das Ergebnis kann unzuverlässig sein."
    ),
}
"""What the reader of an image may warn of in the record of one that was judged."""
