package hapi;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.ByteArrayInputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;

/** veraPDF over the PDF on standard input, by the flavour named (ua1, 2b): each rule that fails, once, in JSON. */
public class Paper {

    public static void main(String[] arguments) throws Exception {
        PrintStream answer = System.out;
        System.setOut(System.err);
        byte[] paper = System.in.readAllBytes();
        VeraGreenfieldFoundryProvider.initialise();
        PDFAFlavour flavour = PDFAFlavour.byFlavourId(arguments[0]);
        ArrayNode said = new ObjectMapper().createArrayNode();
        try (PDFAParser parser = Foundries.defaultInstance().createParser(new ByteArrayInputStream(paper), flavour);
                PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, 1, false, false, false)) {
            for (TestAssertion fault : validator.validate(parser).getTestAssertions()) {
                if (fault.getStatus() == TestAssertion.Status.FAILED) {
                    said.addArray()
                            .add(fault.getRuleId().getClause() + "-" + fault.getRuleId().getTestNumber())
                            .add(fault.getMessage());
                }
            }
        }
        answer.write(said.toString().getBytes(StandardCharsets.UTF_8));
        answer.flush();
    }
}
